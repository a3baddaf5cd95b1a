// What records brought beyond their format's columns.
import { text, valueOf } from "./flatten";
import type { Json } from "./json";
import { visible } from "./visible";

const SAMPLE_CHARS_MAX = 120;

/** The fields in `tidegate.extra` of some events, the most frequent first, each with a value it had. */
export function fieldsOf(events: unknown[]): { field: string; count: number; sample: string }[] {
  const seen = new Map<string, { count: number; sample: string }>();
  for (const event of events) {
    const extra = parsed(valueOf(event, "tidegate.extra"));
    for (const [field, value] of Object.entries(extra)) {
      const known = seen.get(field) ?? { count: 0, sample: visible(text(value)).slice(0, SAMPLE_CHARS_MAX) };
      seen.set(field, { ...known, count: known.count + 1 });
    }
  }
  return [...seen].map(([field, rest]) => ({ field, ...rest })).sort((a, b) => b.count - a.count || a.field.localeCompare(b.field));
}

/** The object itself, or written as a string; what is damaged is none. */
function parsed(extra: Json | undefined): Record<string, Json> {
  try {
    const found: unknown = typeof extra === "string" ? JSON.parse(extra) : extra;
    return found !== null && typeof found === "object" && !Array.isArray(found) ? (found as Record<string, Json>) : {};
  } catch {
    return {};
  }
}
