// What pages make of an alert.
import { term } from "./query";
import { iso } from "./time";

interface Found {
  query: string;
  group: Record<string, string>;
}

/**
 * The search behind an alert: what it is grouped by, which every event of it has. One that is not grouped by the name is about many
 * names, and its own query knows only one of them.
 */
export function searchOf(alert: Found): string {
  const group = Object.entries(alert.group);
  if (group.length === 0 || "dns.question.name" in alert.group) return alert.query;
  return group.map(([field, value]) => term(field, value)).join(" AND ");
}

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
