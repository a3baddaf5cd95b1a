// Saved queries and the history of searches: on the server where it keeps them, else in this browser.
import { call, isMissing } from "../api/client";
import type { SavedQuery } from "../api/types";
import { session } from "./session.svelte";

interface Past { query: string; state: string; at: string }

const HISTORY_MAX = 100;
const SAVED_KEY = "tidegate.saved";
const HISTORY_KEY = "tidegate.history";

function local<T>(key: string): T[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(found) ? (found as T[]) : [];
  } catch {
    return [];
  }
}

class Saved {
  all = $state.raw<SavedQuery[]>([]);
  past = $state.raw<Past[]>([]);
  /** Whether the server keeps them; unknown until asked. */
  onServer = $state<boolean | undefined>(undefined);
  #historyOnServer = true;

  async load(): Promise<void> {
    try {
      this.all = await call<SavedQuery[]>("GET", "/saved-queries");
      this.onServer = true;
    } catch (cause) {
      if (!isMissing(cause)) throw cause;
      this.onServer = false;
      this.all = local<SavedQuery>(SAVED_KEY);
    }
    try {
      if (this.#historyOnServer) this.past = await call<Past[]>("GET", "/query-history", { query: { limit: HISTORY_MAX } });
    } catch {
      this.#historyOnServer = false;
    }
    if (!this.#historyOnServer) this.past = local<Past>(HISTORY_KEY);
  }

  async save(name: string, query: string, state: string, shared: boolean): Promise<void> {
    if (this.onServer === undefined) await this.load();
    if (this.onServer) await call("POST", "/saved-queries", { body: { name, query, state, shared } });
    else {
      const at = new Date().toISOString();
      localStorage.setItem(SAVED_KEY, JSON.stringify([{ id: crypto.randomUUID?.() ?? at, name, query, state, shared: false, owner: session.user, created: at, updated: at }, ...this.all].slice(0, 200)));
    }
    await this.load();
  }

  async remove(id: string): Promise<void> {
    if (this.onServer) await call("DELETE", `/saved-queries/${encodeURIComponent(id)}`);
    else localStorage.setItem(SAVED_KEY, JSON.stringify(this.all.filter((one) => one.id !== id)));
    await this.load();
  }

  /** Remembers a search that was run. */
  remember(query: string, state: string): void {
    if (query === "") return;
    if (this.#historyOnServer && this.onServer !== false) {
      void call("POST", "/query-history", { body: { query, state } }).catch((cause: unknown) => {
        if (isMissing(cause)) this.#historyOnServer = false;
        this.#rememberHere(query, state);
      });
    } else this.#rememberHere(query, state);
  }

  #rememberHere(query: string, state: string): void {
    try {
      const rest = local<Past>(HISTORY_KEY).filter((one) => one.state !== state);
      localStorage.setItem(HISTORY_KEY, JSON.stringify([{ query, state, at: new Date().toISOString() }, ...rest].slice(0, HISTORY_MAX)));
    } catch {
      // A browser that keeps nothing has no history.
    }
  }
}

export const saved = new Saved();
