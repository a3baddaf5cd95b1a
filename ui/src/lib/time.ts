// Times as the Events page knows them: a range is two words, each in a form that the API also reads (`now-2h`, `now/d`,
// RFC 3339). The page resolves both against one "now", so that all questions of one search are about the same stretch.

import { visible } from "./visible";

/** From and to, as they stand in the address. */
export interface Range {
  from: string;
  to: string;
}

/** A range in milliseconds since 1970; `to` itself is left out. */
export interface Span {
  from: number;
  to: number;
}

/** Which zone times are shown and read in. */
export type Zone = "utc" | "local";

const UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

const UNIT_WORDS: Record<string, string> = {
  s: "s", sec: "s", secs: "s", second: "s", seconds: "s",
  m: "m", min: "m", mins: "m", minute: "m", minutes: "m",
  h: "h", hr: "h", hrs: "h", hour: "h", hours: "h",
  d: "d", day: "d", days: "d",
  w: "w", week: "w", weeks: "w",
};

/** What the picker offers. */
export const PRESETS: { label: string; range: Range }[] = [
  ["Last 5 minutes", "now-5m"], ["Last 15 minutes", "now-15m"], ["Last hour", "now-1h"], ["Last 4 hours", "now-4h"],
  ["Last 24 hours", "now-24h"], ["Last 7 days", "now-7d"], ["Last 30 days", "now-30d"], ["Last 90 days", "now-90d"],
].map(([label, from]) => ({ label: label!, range: { from: from!, to: "now" } })).concat([
  { label: "Today", range: { from: "now/d", to: "now" } },
  { label: "Yesterday", range: { from: "now-1d/d", to: "now/d" } },
  { label: "This week", range: { from: "now/w", to: "now" } },
]);

/** Reads one end: relative, RFC 3339, a date, a date with time. `undefined` if it is none. */
export function resolve(word: string, now: number, zone: Zone): number | undefined {
  const relative = /^now((?:[+-]\d+[smhdw])*)(?:\/([smhdw]))?$/.exec(word);
  if (relative) {
    let at = now;
    for (const [, sign, n, unit] of (relative[1] ?? "").matchAll(/([+-])(\d+)([smhdw])/g)) {
      at += (sign === "-" ? -1 : 1) * Number(n) * UNIT_MS[unit!]!;
    }
    return relative[2] ? roundDown(at, relative[2], zone) : at;
  }
  const stamp = /^(\d{4})-(\d\d)(?:-(\d\d))?(?:[T ](\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?$/.exec(word);
  if (!stamp) return undefined;
  const [, year, month, day, hour, minute, second, fraction, offset] = stamp;
  const [mo, da, ho, mi, se] = [month, day ?? "1", hour ?? "0", minute ?? "0", second ?? "0"].map(Number) as [number, number, number, number, number];
  if (mo < 1 || mo > 12 || da < 1 || da > 31 || ho > 23 || mi > 59 || se > 60) return undefined;
  const ms = fraction ? Math.round(Number(fraction) * 1000) : 0;
  if (offset === undefined && zone === "local") {
    const local = new Date(Number(year), mo - 1, da, ho, mi, se, ms);
    return local.getDate() === da ? local.getTime() : undefined;
  }
  const utc = Date.UTC(Number(year), mo - 1, da, ho, mi, se, ms);
  if (new Date(utc).getUTCDate() !== da && se < 60) return undefined;
  return utc - offsetMs(offset);
}

function offsetMs(offset: string | undefined): number {
  if (offset === undefined || offset === "Z") return 0;
  const sign = offset.startsWith("-") ? -1 : 1;
  const digits = offset.replace(/\D/g, "");
  return sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2, 4))) * 60_000;
}

function roundDown(at: number, unit: string, zone: Zone): number {
  if (unit !== "d" && unit !== "w") return Math.floor(at / UNIT_MS[unit]!) * UNIT_MS[unit]!;
  const d = new Date(at);
  const weekday = zone === "utc" ? d.getUTCDay() : d.getDay();
  const back = unit === "w" ? (weekday + 6) % 7 : 0;
  return zone === "utc"
    ? Date.UTC(d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate() - back)
    : new Date(d.getFullYear(), d.getMonth(), d.getDate() - back).getTime();
}

/** Both ends; `undefined` if one cannot be read or the range holds nothing. */
export function resolveRange(range: Range, now: number, zone: Zone): Span | undefined {
  const from = resolve(range.from, now, zone);
  const to = resolve(range.to, now, zone);
  return from !== undefined && to !== undefined && from < to ? { from, to } : undefined;
}

/** Milliseconds as the API reads them. */
export function iso(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

/**
 * Reads what people type: `2h`, `last 15 min`, `2 hours ago`, `yesterday`, `since 2026-11-20`, `2026-11-20`,
 * `2026-11-20 10:00 to 2026-11-20 12:30`, `09:30`, `yesterday 22:00 to 02:00`, `1h30m`, `3d ago to 1d ago`, `now-2h`.
 */
export function parseRange(typed: string, now: number, zone: Zone): Range | undefined {
  const input = typed.trim().toLowerCase().replace(/\s+/g, " ");
  if (input === "") return undefined;
  const preset = PRESETS.find((one) => one.label.toLowerCase() === input);
  if (preset) return { ...preset.range };
  const last = /^(?:last|past|previous)?\s?(\d+)?\s?([a-z]+)$/.exec(input);
  const lastUnit = last && (last[1] !== undefined || /^(last|past|previous)/.test(input)) ? UNIT_WORDS[last[2]!] : undefined;
  if (last && lastUnit) return checked({ from: `now-${last[1] ?? 1}${lastUnit}`, to: "now" }, now, zone);
  const several = /^(?:last |past )?((?:\d+[smhdw] ?){2,})$/.exec(input);
  if (several) return checked({ from: `now${several[1]!.replace(/ /g, "").replace(/(\d+)/g, "-$1")}`, to: "now" }, now, zone);
  const clocks = /^(?:(today|yesterday),? )?(?:since |from |between |at )?(\d\d?:\d\d)(?: ?(?:to|until|and|-|–|\.\.) ?(\d\d?:\d\d|now))?$/.exec(input);
  if (clocks) return ofDay(clocks[1], clocks[2]!, clocks[3], now, zone);
  const since = /^(?:since|from|after) (.+)$/.exec(input);
  const two = /^(?:between |from )?(.+?)(?: to | until | and | \.\. | - | – |\.\.)(.+)$/.exec(input);
  if (two) {
    const from = moment(two[1]!, zone);
    const to = /^\d\d?:\d\d(:\d\d)?$/.test(two[2]!) ? sameDay(two[1]!, two[2]!) : endMoment(two[2]!, zone);
    return from && to ? checked({ from, to }, now, zone) : undefined;
  }
  if (since) {
    const from = moment(since[1]!, zone);
    return from ? checked({ from, to: "now" }, now, zone) : undefined;
  }
  const day = /^\d{4}-\d\d-\d\d$/.exec(input);
  if (day) {
    const start = resolve(input, now, zone);
    return start === undefined ? undefined : { from: iso(start), to: iso(addDay(start, zone)) };
  }
  const one = moment(input, zone);
  return one ? checked({ from: one, to: "now" }, now, zone) : undefined;
}

function checked(range: Range, now: number, zone: Zone): Range | undefined {
  return resolveRange(range, now, zone) ? range : undefined;
}

function addDay(start: number, zone: Zone): number {
  if (zone === "utc") return start + UNIT_MS["d"]!;
  const d = new Date(start);
  return new Date(d.getFullYear(), d.getMonth(), d.getDate() + 1).getTime();
}

/** Clock times of today, or of the day before while they are still to come. */
function ofDay(day: string | undefined, first: string, last: string | undefined, now: number, zone: Zone): Range | undefined {
  const today = roundDown(now, "d", zone);
  const start = day === "yesterday" ? roundDown(today - UNIT_MS["h"]! * 12, "d", zone) : today;
  const at = (clock: string, of: number) => resolve(`${stamp(of, zone).slice(0, 10)}T${clock.padStart(5, "0")}`, now, zone);
  let from = at(first, start);
  if (from === undefined) return undefined;
  if (day === undefined && from >= now) from = at(first, roundDown(today - UNIT_MS["h"]! * 12, "d", zone))!;
  if (last === undefined || last === "now") return checked({ from: iso(from), to: day === "yesterday" && last === undefined ? iso(addDay(start, zone)) : "now" }, now, zone);
  const sameDayEnd = at(last, from);
  const to = sameDayEnd !== undefined && sameDayEnd <= from ? at(last, addDay(roundDown(from, "d", zone), zone)) : sameDayEnd;
  return to === undefined ? undefined : checked({ from: iso(from), to: iso(to) }, now, zone);
}

function sameDay(first: string, clock: string): string | undefined {
  const day = /^(\d{4}-\d\d-\d\d)/.exec(first);
  return day ? `${day[1]}T${clock.padStart(clock.length === 4 || clock.length === 7 ? clock.length + 1 : clock.length, "0")}` : undefined;
}

/** A bare date as an end means that all of it belongs. */
function endMoment(word: string, zone: Zone): string | undefined {
  if (/^\d{4}-\d\d-\d\d$/.test(word)) {
    const start = resolve(word, 0, zone);
    return start === undefined ? undefined : iso(addDay(start, zone));
  }
  return moment(word, zone);
}

function moment(word: string, zone: Zone): string | undefined {
  word = word.trim();
  if (word === "now") return "now";
  if (word === "today" || word === "midnight") return "now/d";
  if (word === "yesterday") return "now-1d/d";
  if (/^now[+\-/]/.test(word)) return word;
  const ago = /^(?:an? |(\d+) ?)([a-z]+) ago$/.exec(word);
  if (ago) {
    const unit = UNIT_WORDS[ago[2]!];
    return unit ? `now-${ago[1] ?? 1}${unit}` : undefined;
  }
  const stamp = word.replace(/^(\d{4}-\d\d-\d\d) /, "$1T").toUpperCase();
  const at = resolve(stamp, 0, zone);
  return at === undefined ? undefined : iso(at);
}

/** What is said of a range that names no time. */
export function noTime(range: Range): string {
  return `“${visible(range.from)}” to “${visible(range.to)}” is no time that can be shown. Choose another.`;
}

/** A range as people say it. */
export function describeRange(range: Range, zone: Zone): string {
  const preset = PRESETS.find((one) => one.range.from === range.from && one.range.to === range.to);
  if (preset) return preset.label;
  const back = /^now-(\d+)([smhdw])$/.exec(range.from);
  const words: Record<string, string> = { s: "second", m: "minute", h: "hour", d: "day", w: "week" };
  if (back && range.to === "now") return back[1] === "1" ? `Last ${words[back[2]!]}` : `Last ${back[1]} ${words[back[2]!]}s`;
  const from = end(range.from, zone);
  const to = end(range.to, zone);
  return from.slice(0, 11) === to.slice(0, 11) && from.length > 12 ? `${from} – ${to.slice(11)}` : `${from} – ${to}`;
}

function end(word: string, zone: Zone): string {
  if (word.startsWith("now")) return word;
  const at = resolve(word, 0, zone);
  return at === undefined ? word : stamp(at, zone);
}

/** `2026-11-23 02:53:36`, with milliseconds when there are some and they are asked for. */
export function stamp(at: number | string, zone: Zone, precise = false): string {
  const d = new Date(at);
  if (Number.isNaN(d.getTime())) return String(at);
  const two = (n: number) => String(n).padStart(2, "0");
  const parts =
    zone === "utc"
      ? [d.getUTCFullYear(), d.getUTCMonth() + 1, d.getUTCDate(), d.getUTCHours(), d.getUTCMinutes(), d.getUTCSeconds()]
      : [d.getFullYear(), d.getMonth() + 1, d.getDate(), d.getHours(), d.getMinutes(), d.getSeconds()];
  const [y, mo, da, h, mi, s] = parts as [number, number, number, number, number, number];
  const fraction = precise && typeof at === "string" ? (/\.(\d{1,3})/.exec(at)?.[1]?.padEnd(3, "0") ?? "") : "";
  return `${y}-${two(mo)}-${two(da)} ${two(h)}:${two(mi)}:${two(s)}${fraction === "" ? "" : "." + fraction}`;
}

/** `3 min ago`, `in 2 h`. */
export function ago(at: string | number, now: number): string {
  const s = (now - new Date(at).getTime()) / 1000;
  if (Number.isNaN(s)) return "";
  // Clocks differ by a little, and what just happened did not happen in the future.
  if (s > -10 && s < 2) return "just now";
  const a = Math.abs(s);
  const text = a < 60 ? `${Math.floor(a)} s` : a < 3600 ? `${Math.floor(a / 60)} min` : a < 172_800 ? `${Math.floor(a / 3600)} h` : `${Math.floor(a / 86_400)} d`;
  return s < -1 ? `in ${text}` : `${text} ago`;
}

/** The same stretch moved or widened: `-1` one width back, `1` one on, `"out"` twice as wide. */
export function shifted(range: Range, now: number, zone: Zone, how: -1 | 1 | "out"): Range | undefined {
  const s = resolveRange(range, now, zone);
  if (!s) return undefined;
  const width = s.to - s.from;
  const moved = how === "out" ? { from: s.from - width / 2, to: s.to + width / 2 } : { from: s.from + how * width, to: s.to + how * width };
  return { from: iso(Math.round(moved.from)), to: iso(Math.round(moved.to)) };
}
