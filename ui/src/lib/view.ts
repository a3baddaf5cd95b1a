// The address of the Events page is its whole state.
import { decodeFilter, encodeFilter, type Filter } from "./query";
import type { Range } from "./time";

/** What the lower part of the page shows. */
export type Tab = "events" | "patterns" | "aggregate";

/** The order of the rows. */
export type Order = "newest" | "oldest" | { field: string; descending: boolean };

/** Aggregation as the tab asks for it. */
export interface Aggregation {
  fn: "count" | "cardinality" | "avg" | "min" | "max" | "sum";
  field: string;
  by: "none" | "time" | "field";
  byField: string;
  size: number;
}

/** Everything one can see and share. */
export interface View {
  query: string;
  range: Range;
  filters: Filter[];
  columns: string[];
  order: Order;
  split: string;
  tab: Tab;
  agg: Aggregation;
  /** Patterns: by what events are alike, and whether the rarest stand first. */
  alike: "name" | "sentence";
  rare: boolean;
  event: string;
  compare: string[];
}

/** Pseudo column: the event in one line. */
export const SUMMARY = "summary";

export const COLUMNS_DEFAULT: readonly string[] = ["tidegate.intake.name", "cloudflare.ResolverDecision", SUMMARY];

export const SPLIT_DEFAULT = "cloudflare.ResolverDecision";

/** Columns that an address can hold. */
const COLUMNS_MAX = 40;
/** Badges that an address can hold. */
const FILTERS_MAX = 60;
const TEXT_MAX = 16_384;

/** The page as it opens. */
export function fresh(): View {
  return {
    query: "", range: { from: "now-1h", to: "now" }, filters: [], columns: [...COLUMNS_DEFAULT], order: "newest", split: SPLIT_DEFAULT,
    tab: "events", agg: { fn: "count", field: "", by: "field", byField: "dns.question.registered_domain", size: 20 }, alike: "name", rare: false, event: "", compare: [],
  };
}

/** The part after `?`; what is as it opens is left out. */
export function encode(view: View): string {
  const base = fresh();
  const out = new URLSearchParams();
  if (view.query !== "") out.set("q", view.query);
  if (view.range.from !== base.range.from || view.range.to !== base.range.to) {
    out.set("from", view.range.from);
    if (view.range.to !== "now") out.set("to", view.range.to);
  }
  for (const one of view.filters) out.append("f", encodeFilter(one));
  if (view.columns.join() !== base.columns.join()) out.set("cols", view.columns.join(","));
  if (view.order !== "newest") out.set("sort", typeof view.order === "string" ? view.order : (view.order.descending ? "-" : "") + view.order.field);
  if (view.split !== base.split) out.set("split", view.split);
  if (view.tab !== "events") out.set("tab", view.tab);
  const agg = [view.agg.fn, view.agg.field, view.agg.by, view.agg.byField, String(view.agg.size)].join("~");
  if (agg !== [base.agg.fn, base.agg.field, base.agg.by, base.agg.byField, String(base.agg.size)].join("~")) out.set("agg", agg);
  if (view.alike !== base.alike) out.set("alike", view.alike);
  if (view.rare) out.set("rare", "1");
  if (view.event !== "") out.set("e", view.event);
  if (view.compare.length > 0) out.set("cmp", view.compare.join(","));
  return out.toString();
}

/** The way back. What is damaged is as it opens: an address is foreign input. */
export function decode(search: string): View {
  const given = new URLSearchParams(search);
  const view = fresh();
  view.query = (given.get("q") ?? "").slice(0, TEXT_MAX);
  const from = given.get("from");
  if (from) view.range = { from: from.slice(0, 64), to: (given.get("to") ?? "now").slice(0, 64) };
  view.filters = given.getAll("f").slice(0, FILTERS_MAX).map((word) => decodeFilter(word.slice(0, TEXT_MAX))).filter((one) => one !== undefined);
  const columns = given.get("cols");
  if (columns !== null) view.columns = [...new Set(columns.split(",").filter(isField))].slice(0, COLUMNS_MAX);
  const sort = given.get("sort");
  if (sort === "oldest") view.order = "oldest";
  else if (sort !== null && isField(sort.replace(/^-/, ""))) view.order = { field: sort.replace(/^-/, ""), descending: sort.startsWith("-") };
  const split = given.get("split");
  if (split !== null && (split === "" || isField(split))) view.split = split;
  const tab = given.get("tab");
  if (tab === "aggregate" || tab === "patterns") view.tab = tab;
  view.agg = decodeAgg(given.get("agg"), view.agg);
  if (given.get("alike") === "sentence") view.alike = "sentence";
  view.rare = given.get("rare") === "1";
  view.event = id(given.get("e") ?? "");
  view.compare = (given.get("cmp") ?? "").split(",").map(id).filter((one) => one !== "").slice(0, 4);
  return view;
}

function decodeAgg(word: string | null, base: Aggregation): Aggregation {
  const [fn, field, by, byField, size] = (word ?? "").split("~");
  if (!["count", "cardinality", "avg", "min", "max", "sum"].includes(fn ?? "") || !["none", "time", "field"].includes(by ?? "")) return base;
  const n = Number(size);
  return {
    fn: fn as Aggregation["fn"], field: isField(field ?? "") ? field! : "", by: by as Aggregation["by"],
    byField: isField(byField ?? "") ? byField! : base.byField, size: Number.isInteger(n) && n > 0 && n <= 1000 ? n : base.size,
  };
}

function isField(word: string): boolean {
  return /^@?[\w.-]{1,200}$/.test(word);
}

function id(word: string): string {
  return /^[0-9a-f-]{36}$/i.test(word) ? word : "";
}

/** The address of the Events page with a query, filters and a range, for links from other pages. */
export function searchLink(parts: Partial<View>): string {
  return "/events?" + encode({ ...fresh(), ...parts });
}
