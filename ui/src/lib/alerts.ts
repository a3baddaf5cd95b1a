// What pages make of an alert.
import { iso } from "./time";

/** An end that the server gave, as one that pages can use: they count in milliseconds, and what is below one must not be lost. */
export function endOf(to: string): string {
  const at = new Date(to).getTime();
  return Number.isNaN(at) ? to : iso(at + 1);
}

/** Days as bars: those without any are there too. `until` is the last day. */
export function everyDay(hits: { day: string; count: number }[], until: number, days = 30): { day: string; count: number }[] {
  const DAY_MS = 86_400_000;
  const known = new Map(hits.map((one) => [one.day.slice(0, 10), one.count]));
  return Array.from({ length: days }, (_, i) => new Date(until - (days - 1 - i) * DAY_MS).toISOString().slice(0, 10)).map((day) => ({ day, count: known.get(day) ?? 0 }));
}

/** The filters that the list of alerts takes, as an address holds them: without any, the open ones. */
export interface AlertFilter {
  status: string; urgency: string; severity: string; assignee: string; rule: string; q: string; technique: string; source: string; target: string; name: string; from: string; to: string;
}

export const OPEN = "pending,acknowledged,ongoing";

/** The filters in an address. */
export function filterOf(search: string): AlertFilter {
  const given = new URLSearchParams(search);
  const of = (key: string) => given.get(key) ?? "";
  return { status: given.get("status") ?? OPEN, urgency: of("urgency"), severity: of("severity"), assignee: of("assignee"), rule: of("rule"), q: of("q"), technique: of("technique"), source: of("source"), target: of("target"), name: of("name"), from: of("from"), to: of("to") };
}

/** What is chosen of them, as the API takes it: an empty word would be a word. */
export function chosenOf(filter: AlertFilter): Partial<AlertFilter> {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== ""));
}

/** The body that changes alerts: those that are named, or all that the filters find. */
export function bulkOf(everything: boolean, ids: readonly string[], filter: AlertFilter): { ids: string[] } | { filter: Partial<AlertFilter> } {
  return everything ? { filter: chosenOf(filter) } : { ids: [...ids] };
}

/** Who stands before and after an alert in a list; nobody at its ends, or when the list does not hold it. */
export function beside(ids: readonly string[], id: string): { before: string | undefined; after: string | undefined } {
  const at = ids.indexOf(id);
  return at < 0 ? { before: undefined, after: undefined } : { before: ids[at - 1], after: ids[at + 1] };
}

const WEEK_MS = 7 * 86_400_000;
/** 1970-01-05 was a Monday; weeks begin there, everything shorter at midnight. */
const MONDAY_MS = 4 * 86_400_000;
/** The server makes 100 of them, and one more at either end. */
const BARS_MAX = 200;

interface Bar { start: string; count: number; series: number[] }

/** What was counted, as bars that stand beside each other without a gap. */
export function bars(counted: Bar[], span: { from: number; to: number }, widthMs: number): Bar[] {
  const known = new Map(counted.map((bar) => [new Date(bar.start).getTime(), bar]));
  const origin = widthMs % WEEK_MS === 0 ? MONDAY_MS : 0;
  const first = Math.floor((span.from - origin) / widthMs) * widthMs + origin;
  const out = [];
  for (let at = first; at < span.to && out.length < BARS_MAX; at += widthMs) out.push(known.get(at) ?? { start: iso(at), count: 0, series: [] });
  return out;
}

/** Whether an alert is about a domain or a name below it. */
export function isAbout(one: { name?: string | null; target?: string | null; group: Record<string, string> }, domain: string): boolean {
  return [one.name, one.target, ...Object.values(one.group)].some((value) => value === domain || value?.endsWith(`.${domain}`));
}
