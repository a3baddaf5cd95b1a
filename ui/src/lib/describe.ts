// The one-line description of an event, with the values in it found again so that they can be clicked.
import { items, text, valueOf } from "./flatten";

/** A stretch of the description; with a field when it is one of the event's values. */
export interface Part {
  text: string;
  field?: string;
}

/** Fields whose values are looked for, the most telling first. */
export const TELLING: readonly string[] = [
  "dns.question.name", "user.email", "user.name", "source.ip", "host.name", "device.id", "cloudflare.Location", "dns.question.type", "dns.response_code",
  "rule.name", "network.application", "cloudflare.QueryCategoryNames", "cloudflare.MatchedCategoryNames", "cloudflare.ResolverDecision",
  "destination.ip", "url.domain", "url.full", "http.request.method", "dns.question.registered_domain", "dns.resolved_ip",
];

const VALUES_MAX = 40;

/** Cuts a description at the event's own values. */
export function partsOf(description: string, event: unknown): Part[] {
  let parts: Part[] = [{ text: description }];
  let looked = 0;
  for (const field of TELLING) {
    for (const value of items(valueOf(event, field))) {
      const wanted = text(value);
      if (wanted.length < 1 || (looked += 1) > VALUES_MAX) continue;
      parts = parts.flatMap((part) => (part.field ? [part] : cut(part.text, wanted, field)));
    }
  }
  return parts.filter((part) => part.text !== "");
}

function cut(whole: string, wanted: string, field: string): Part[] {
  const at = findWord(whole, wanted);
  if (at < 0) return [{ text: whole }];
  const after = at + wanted.length;
  return [{ text: whole.slice(0, at) }, { text: whole.slice(at, after), field }, { text: whole.slice(after) }];
}

function findWord(whole: string, wanted: string): number {
  for (let at = whole.indexOf(wanted); at >= 0; at = whole.indexOf(wanted, at + 1)) {
    const isWord = (character: string | undefined) => character !== undefined && /[\p{L}\p{N}_.-]/u.test(character);
    const before = whole[at - 1];
    const after = whole[at + wanted.length];
    if (!isWord(before) && !(isWord(after) && after !== ".")) return at;
  }
  return -1;
}
