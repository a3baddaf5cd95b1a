// Keyboard shortcuts: pages say what a key does; the sheet shows what is there.
import { untrack } from "svelte";

interface Shortcut {
  keys: string;
  does: string;
  where: string;
  run: () => void;
}

class Keys {
  all = $state.raw<Shortcut[]>([]);
  sheet = $state(false);
  #before = "";
  #beforeAt = 0;

  /** Adds a shortcut (`q`, `g e`, `Escape`); the answer takes it away again. */
  on(keys: string, does: string, run: () => void, where: string): () => void {
    const one = { keys, does, where, run };
    // Untracked: an effect may add keys without being run again by them.
    this.all = untrack(() => [...this.all, one]);
    return () => (this.all = this.all.filter((other) => other !== one));
  }

  press = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || document.querySelector("dialog[open]")) return;
    const chord = Date.now() - this.#beforeAt < 1200 ? `${this.#before} ${event.key}` : "";
    const found = this.all.findLast((one) => one.keys === chord) ?? this.all.findLast((one) => one.keys === event.key);
    this.#before = event.key;
    this.#beforeAt = Date.now();
    if (!found) return;
    event.preventDefault();
    this.#before = "";
    found.run();
  };
}

function isTyping(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return false;
  if (event.key === "Enter" && target.closest("button, a, [role='button']")) return true;
  // A box that was ticked with the mouse keeps the focus; nothing is typed into it.
  if (target instanceof HTMLInputElement && ["checkbox", "radio"].includes(target.type) && !target.closest('[role="dialog"]')) return event.key === " ";
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName) || target.closest('[role="dialog"]') !== null;
}

export const keys = new Keys();
