import { api, ask, type Schemas } from "../../api/client";
import { Load } from "../../state/load.svelte";
import { session } from "../../state/session.svelte";

/** Those whom alerts can be given to, as far as one may know. */
export class Assignees {
  #load = new Load<Schemas["Assignees"]>();

  constructor() {
    if (session.can("analyst")) void this.#load.run((signal) => ask(api.GET("/api/v1/alerts/assignees", { signal })));
  }

  /** All but oneself; `now` is among them even if it could not be chosen any more. */
  others(now: string): string[] {
    return [...new Set([now, ...(this.#load.data?.assignees ?? [])])].filter((one) => one !== "" && one !== session.user).sort();
  }
}
