import { isAbort, sentence } from "../api/client";

interface Note {
  id: number;
  text: string;
  bad: boolean;
}

const NOTES_MAX = 4;

class Notes {
  all = $state<Note[]>([]);
  #next = 1;

  /** A sentence in the corner for a few seconds. */
  say(text: string, bad = false): void {
    const id = this.#next++;
    this.all = [...this.all, { id, text, bad }].slice(-NOTES_MAX);
    setTimeout(() => this.drop(id), bad ? 9000 : 3500);
  }

  /** A failure; cancelled questions are none. */
  fail(cause: unknown): void {
    if (!isAbort(cause)) this.say(sentence(cause), true);
  }

  drop(id: number): void {
    this.all = this.all.filter((one) => one.id !== id);
  }
}

export const notes = new Notes();

/** Puts text on the clipboard and says so. */
export async function copy(text: string, what = "Copied"): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without HTTPS browsers have no clipboard for pages; the old way still works.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "offscreen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) return notes.say("The browser did not let us use the clipboard.", true);
  }
  notes.say(what);
}
