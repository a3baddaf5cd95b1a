import { onDestroy } from "svelte";
import { isAbort, isMissing } from "../api/client";

/** An answer that is asked for: waiting, there, or failed. A new question cancels the one before, and whoever leaves the page the last. */
export class Load<T> {
  data = $state.raw<T | undefined>(undefined);
  error = $state.raw<unknown>(undefined);
  busy = $state(false);
  /** The server has no such call. */
  missing = $state(false);
  #abort: AbortController | undefined;

  /** Made while its component is: when that goes, nobody waits for the answer any more. */
  constructor() {
    onDestroy(() => this.cancel());
  }

  async run(question: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.busy = true;
    try {
      const data = await question(abort.signal);
      if (this.#abort !== abort) return undefined;
      this.data = data;
      this.error = undefined;
      this.missing = false;
      return data;
    } catch (cause) {
      if (this.#abort !== abort || isAbort(cause)) return undefined;
      this.missing = isMissing(cause);
      this.error = cause;
      return undefined;
    } finally {
      if (this.#abort === abort) this.busy = false;
    }
  }

  /** Stops asking; the browser closes the connection, and the server its work. */
  cancel(): void {
    this.#abort?.abort();
    this.#abort = undefined;
    this.busy = false;
  }

  clear(): void {
    this.cancel();
    this.data = undefined;
    this.error = undefined;
  }
}
