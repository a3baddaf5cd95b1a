// Writing and changing queries in the events query language (docs/query-language.md).
import type { Json } from "./json";
import { text } from "./flatten";

/** One badge above the results. */
export interface Filter {
  /** `is`: the field has the value; `exists`: it has one; `query`: `value` is a query of its own. */
  kind: "is" | "exists" | "query";
  field: string;
  value: string;
  not: boolean;
  off: boolean;
}

/** What the fields hold, by name; `kind` as `events/fields` gives it. */
export type Kinds = ReadonlyMap<string, string>;

/** A value so that the query language takes it for exactly that. */
export function quote(value: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.@-]*$/.test(value) && !/^(AND|OR|NOT|TO)$/.test(value)) return value;
  return `"${value.replace(/[\\"]/g, "\\$&")}"`;
}

/** `field:value`, as the language wants it for this kind of field. */
export function term(field: string, value: string, kinds?: Kinds): string {
  const kind = kinds?.get(field)?.replace(/_list$/, "");
  if (kind === "time") return `${field}:"${value}"`;
  if (kind === "int" || kind === "float" || kind === "bool") return `${field}:${value}`;
  return `${field}:${quote(value)}`;
}

/** A filter as a piece of a query. */
export function written(filter: Filter, kinds?: Kinds): string {
  const inner =
    filter.kind === "exists" ? `${filter.field}:*` : filter.kind === "query" ? `(${filter.value})` : term(filter.field, filter.value, kinds);
  return filter.not ? `NOT ${inner}` : inner;
}

/** The typed query and all filters that are on, as one query. */
export function whole(typed: string, filters: Filter[], kinds?: Kinds): string {
  const pieces = filters.filter((one) => !one.off).map((one) => written(one, kinds));
  const own = typed.trim();
  if (own === "" || own === "*") return pieces.join(" AND ");
  return pieces.length === 0 ? own : [`(${own})`, ...pieces].join(" AND ");
}

/** Whether two filters are about the same thing, however they are switched. */
export function sameThing(a: Filter, b: Filter): boolean {
  return a.kind === b.kind && a.field === b.field && a.value === b.value;
}

/** The filters with one more; one about the same thing is replaced, so a click twice changes nothing. */
export function withFilter(filters: Filter[], one: Filter): Filter[] {
  const at = filters.findIndex((other) => sameThing(other, one));
  return at < 0 ? [...filters, one] : filters.map((other, i) => (i === at ? one : other));
}

/** A filter for a value of a field. */
export function valueFilter(field: string, value: Json, not: boolean): Filter {
  return { kind: "is", field, value: text(value), not, off: false };
}

/** What a badge says. */
export function label(filter: Filter): string {
  if (filter.kind === "query") return filter.value;
  return filter.kind === "exists" ? `${filter.field}: has a value` : `${filter.field}: ${filter.value}`;
}

/** A filter as one word of an address: `[~][-]field=value`, `[~][-]field?`, `[~][-](query`. */
export function encodeFilter(filter: Filter): string {
  const flags = (filter.off ? "~" : "") + (filter.not ? "-" : "");
  if (filter.kind === "query") return `${flags}(${filter.value}`;
  return filter.kind === "exists" ? `${flags}${filter.field}?` : `${flags}${filter.field}=${filter.value}`;
}

/** The way back; `undefined` for a damaged word. */
export function decodeFilter(word: string): Filter | undefined {
  const off = word.startsWith("~");
  let rest = off ? word.slice(1) : word;
  const not = rest.startsWith("-");
  rest = not ? rest.slice(1) : rest;
  if (rest.startsWith("(")) return { kind: "query", field: "", value: rest.slice(1), not, off };
  const equals = rest.indexOf("=");
  const field = equals > 0 ? rest.slice(0, equals) : rest.endsWith("?") ? rest.slice(0, -1) : "";
  if (!/^@?[\w.-]+$/.test(field)) return undefined;
  return equals > 0 ? { kind: "is", field, value: rest.slice(equals + 1), not, off } : { kind: "exists", field, value: "", not, off };
}
