// What records bring and no column of their format takes. It stays in the record as received (`message`); here it is found by
// comparing that record with the event that was made of it.
import { text } from "./flatten";
import type { Json } from "./json";
import { visible } from "./visible";

const SAMPLE_CHARS_MAX = 120;
/** Records beyond this are not taken apart in a page. */
const RECORD_CHARS_MAX = 65_536;
const FIELDS_MAX = 500;
/** Codes that become words, so that neither their name nor their value is found again. */
const CODED = ["RCode"];

/** A field of the record that seems to reach no column, with a value that it had. */
export interface Stray {
  field: string;
  count: number;
  sample: string;
}

/** The fields of some events' records of which neither the name is a column of the format nor any value is in the event. */
export function straysOf(events: unknown[], columns: string[]): Stray[] {
  const known = new Set([...CODED, ...columns.map((name) => name.slice(name.lastIndexOf(".") + 1))]);
  const seen = new Map<string, Stray & { found: boolean }>();
  for (const event of events) {
    const { message, ...rest } = event as { message?: unknown };
    const record = parsed(message);
    if (!record) continue;
    const held = new Set(words(rest));
    for (const [field, value] of Object.entries(record).slice(0, FIELDS_MAX)) {
      const said = words(value);
      if (known.has(field) || said.length === 0) continue;
      const one = seen.get(field) ?? { field, count: 0, sample: visible(text(value)).slice(0, SAMPLE_CHARS_MAX), found: false };
      seen.set(field, { ...one, count: one.count + 1, found: one.found || said.some((word) => held.has(word)) });
    }
  }
  return [...seen.values()].filter((one) => !one.found).map(({ field, count, sample }) => ({ field, count, sample })).sort((a, b) => b.count - a.count || a.field.localeCompare(b.field));
}

/** The record as an object; anything else is none. */
function parsed(message: unknown): Record<string, Json> | undefined {
  if (typeof message !== "string" || message.length > RECORD_CHARS_MAX) return undefined;
  try {
    const found: unknown = JSON.parse(message);
    return found !== null && typeof found === "object" && !Array.isArray(found) ? (found as Record<string, Json>) : undefined;
  } catch {
    return undefined;
  }
}

/** All that a value says, in lower case; emptiness says nothing. */
function words(value: unknown): string[] {
  if (value === null || value === undefined || value === "") return [];
  if (typeof value === "object") return Object.values(value).flatMap(words);
  return [String(value).toLowerCase()];
}
