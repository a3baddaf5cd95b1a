// Events that are alike, counted.
import { partsOf } from "./describe";
import { text, valueOf } from "./flatten";
import { shapeOf } from "./shape";

/** By what events are alike. */
export type By = "name" | "sentence";

/** One kind of events. `regex` matches its names, where names are what it is by; `example` is the place of its newest event. */
export interface Pattern {
  key: string;
  regex: string;
  count: number;
  names: number;
  clients: number;
  last: string;
  example: number;
}

/** What a pattern is made from. */
export interface Sampled {
  timestamp: string;
  description?: string | null;
  event: unknown;
}

/** The kinds of these events, the most frequent first. Events come newest first. */
export function gather(rows: readonly Sampled[], by: By): Pattern[] {
  const found = new Map<string, { pattern: Pattern; names: Set<string>; clients: Set<string> }>();
  rows.forEach((row, place) => {
    const name = text(valueOf(row.event, "dns.question.name"));
    const shape = by === "name" ? (name === "" ? undefined : shapeOf(name, text(valueOf(row.event, "dns.question.registered_domain")))) : { text: sentenceOf(row), regex: "" };
    if (!shape || shape.text === "") return;
    let one = found.get(shape.text);
    if (!one) found.set(shape.text, (one = { pattern: { key: shape.text, regex: shape.regex, count: 0, names: 0, clients: 0, last: row.timestamp, example: place }, names: new Set(), clients: new Set() }));
    one.pattern.count += 1;
    one.names.add(name);
    one.clients.add(text(valueOf(row.event, "source.ip")));
  });
  return [...found.values()].map(({ pattern, names, clients }) => ({ ...pattern, names: names.size, clients: clients.size })).sort((a, b) => b.count - a.count);
}

function sentenceOf(row: Sampled): string {
  return partsOf(row.description ?? "", row.event).map((part) => (part.field && !KEPT.includes(part.field) ? `‹${part.field.split(".").pop()}›` : part.text)).join("");
}

/** Fields with few values: what tells one sentence from another. */
const KEPT = ["dns.question.type", "dns.response_code", "cloudflare.ResolverDecision", "rule.name", "http.request.method", "cloudflare.QueryCategoryNames", "cloudflare.MatchedCategoryNames"];
