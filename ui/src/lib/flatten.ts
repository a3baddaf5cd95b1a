import type { Json } from "./json";

/** One field of an event, with its dotted name. */
export interface Flat {
  field: string;
  value: Json;
}

const DEPTH_MAX = 12;

/** A nested event as dotted fields, sorted by name. Objects within lists become one list per member. */
export function flatten(event: unknown): Flat[] {
  const out: Flat[] = [];
  walk(event as Json, "", out, 0);
  return out.sort((a, b) => (a.field < b.field ? -1 : a.field > b.field ? 1 : 0));
}

function walk(value: Json, path: string, out: Flat[], depth: number): void {
  if (value !== null && typeof value === "object" && !Array.isArray(value) && depth < DEPTH_MAX && !isLeaf(path)) {
    for (const [key, inner] of Object.entries(value)) walk(inner, path === "" ? key : `${path}.${key}`, out, depth + 1);
    return;
  }
  if (path !== "" && value !== null) out.push({ field: path, value });
}

/** Fields that are stored as JSON text and have no fields below them. */
function isLeaf(path: string): boolean {
  return path === "tidegate.extra" || path === "cloudflare.ResourceRecords";
}

/** The value of a dotted field, also of one below a list of objects (`dns.answers.data`). */
export function valueOf(event: unknown, field: string): Json | undefined {
  let here: Json[] = [event as Json];
  let listed = false;
  for (const part of field.split(".")) {
    const next: Json[] = [];
    for (const item of here) {
      for (const one of Array.isArray(item) ? item : [item]) {
        if (one !== null && typeof one === "object" && !Array.isArray(one) && Object.hasOwn(one, part)) {
          const inner = one[part];
          if (inner !== undefined && inner !== null) next.push(inner);
        }
      }
      listed ||= Array.isArray(item);
    }
    if (next.length === 0) return undefined;
    here = next;
  }
  return !listed && here.length === 1 ? here[0] : here.flat();
}

/** The single values of a value: the items of a list, or itself. */
export function items(value: Json | undefined): Json[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** A single value as text. */
export function text(value: Json | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
