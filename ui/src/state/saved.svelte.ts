// Saved queries and the history of searches, as the server keeps them.
import { call } from "../api/client";
import type { SavedQuery } from "../api/types";
import type { Schemas } from "../api/client";

type Past = Schemas["RanQueryView"];

const HISTORY_MAX = 100;

class Saved {
  all = $state.raw<SavedQuery[]>([]);
  past = $state.raw<Past[]>([]);

  async load(): Promise<void> {
    [this.all, this.past] = await Promise.all([call<SavedQuery[]>("GET", "/saved-queries"), call<Past[]>("GET", "/query-history", { query: { limit: HISTORY_MAX } })]);
  }

  async save(name: string, query: string, state: string, shared: boolean): Promise<void> {
    await call("POST", "/saved-queries", { body: { name, query, state, shared } });
    await this.load();
  }

  async change(id: string, parts: { name?: string; shared?: boolean }): Promise<void> {
    await call("PATCH", `/saved-queries/${encodeURIComponent(id)}`, { body: parts });
    await this.load();
  }

  async remove(id: string): Promise<void> {
    await call("DELETE", `/saved-queries/${encodeURIComponent(id)}`);
    await this.load();
  }

  async forget(): Promise<void> {
    await call("DELETE", "/query-history");
    await this.load();
  }

  /** Remembers a search that was run. */
  remember(query: string, state: string): void {
    // A search is worth more than its line in the history: what fails here is not worth a word.
    if (query !== "") void call("POST", "/query-history", { body: { query, state } }).catch(() => undefined);
  }
}

export const saved = new Saved();
