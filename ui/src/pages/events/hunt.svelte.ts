// The Events page's state: the address says what is asked, this asks it and holds the answers.
import { api, ask, call, isAbort, isMissing, serverNow, type Schemas } from "../../api/client";
import { Load } from "../../state/load.svelte";
import { prefs } from "../../state/prefs.svelte";
import { router } from "../../state/router.svelte";
import { valueFilter, whole, withFilter, type Filter } from "../../lib/query";
import { iso, resolveRange, type Span } from "../../lib/time";
import { decode, encode, SUMMARY, type View } from "../../lib/view";

export type Row = Schemas["EventRow"] & { event: Record<string, unknown> };

/** Events asked for at a time. */
const PAGE_ROWS = 200;
/** Rows kept in the browser; whoever needs more exports. */
export const ROWS_MAX = 20_000;
/** What rows need for their line and their usual columns; the rest of an event comes with its detail. */
const ROW_FIELDS = ["@timestamp", "cloudflare", "destination", "device", "dns.question", "dns.response_code", "dns.resolved_ip", "event", "host", "http", "network", "rule", "source", "tags", "tidegate", "url", "user"];
const TAIL_MS = 2000;
/** How far back each look of the live tail reaches: late events are seen, and doubles dropped. */
const TAIL_REACH_MS = 60_000;
/** Events a look can bring; when all of them are new, there were more. */
const TAIL_LOOK_ROWS = 500;
const TAIL_ROWS_MAX = 2000;

/** What a search is about, resolved to moments. */
export interface Question {
  query: string;
  from: string;
  to: string;
}

class Hunt {
  view = $derived<View>(decode(router.search));
  rows = $state.raw<Row[]>([]);
  answer = $state.raw<{ total: number; partial: boolean; took_ms: number; bytes_read: number } | undefined>(undefined);
  error = $state.raw<unknown>(undefined);
  busy = $state(false);
  more = $state(false);
  /** Why the next page did not come. */
  moreError = $state.raw<unknown>(undefined);
  moreBusy = $state(false);
  cancelled = $state(false);
  span = $state.raw<Span | undefined>(undefined);
  question = $state.raw<Question | undefined>(undefined);
  histogram = new Load<Schemas["HistogramAnswer"]>();
  marks = new Load<{ interval_ms: number; buckets: { start: string; count: number }[] }>();
  fields = new Load<Schemas["FieldsAnswer"]>();
  /** Live tail: off, on, or standing still. */
  tail = $state<"off" | "on" | "paused">("off");
  /** More came in than the live tail can show. */
  missed = $state(false);
  /** Values chosen for a rule or an exception. */
  picked = $state.raw<{ field: string; value: string }[]>([]);
  #next: string | undefined;
  #abort: AbortController | undefined;
  #look: AbortController | undefined;
  #seen = new Set<string>();
  #noMarks = false;
  #histogramAbout = "";

  kinds = $derived(new Map((this.fields.data?.fields ?? []).map((one) => [one.name, one.kind])));

  /** Changes the view; the address follows, and what depends on it is asked again. */
  change(parts: Partial<View>, replace = false): void {
    const search = encode({ ...this.view, ...parts });
    router.go("/events" + (search === "" ? "" : "?" + search), replace);
  }

  filter(one: Filter): void {
    this.change({ filters: withFilter(this.view.filters, one) });
  }

  filterValue(field: string, value: string, not: boolean): void {
    this.filter(valueFilter(field, value, not));
  }

  toggleColumn(field: string): void {
    const columns = this.view.columns.includes(field) ? this.view.columns.filter((one) => one !== field) : [...this.view.columns, field];
    this.change({ columns }, true);
  }

  pick(field: string, value: string): void {
    const known = this.picked.some((one) => one.field === field && one.value === value);
    this.picked = known ? this.picked.filter((one) => one.field !== field || one.value !== value) : [...this.picked, { field, value }];
  }

  /** Fields of the rows, with those that columns need besides. */
  rowFields = $derived([...ROW_FIELDS, ...this.view.columns.filter((one) => one !== SUMMARY && !ROW_FIELDS.some((base) => one === base || one.startsWith(base + ".")))]);

  /** What, when changed, needs a new search. */
  key = $derived(JSON.stringify([this.view.query, this.view.range, this.view.filters.filter((one) => !one.off), this.view.order, this.rowFields.slice(ROW_FIELDS.length), prefs.zone]));

  /** Asks everything anew for the view of now. */
  run(): void {
    this.cancel();
    this.cancelled = false;
    const span = resolveRange(this.view.range, serverNow(), prefs.zone);
    this.span = span;
    if (!span) {
      this.error = new Error("the time range cannot be read or holds nothing; choose another");
      this.rows = [];
      this.answer = undefined;
      return;
    }
    const question = { query: whole(this.view.query, this.view.filters, this.kinds), from: iso(span.from), to: iso(span.to) };
    this.question = question;
    this.askHistogram();
    // Fields are the costliest and the least awaited: they are asked when the rows are there.
    void this.#search(question).then(() => {
      if (this.question !== question || !this.#abort) return;
      // A wrong query has no fields, but those of the stretch help to mend it.
      const body = this.error ? { from: question.from, to: question.to } : question;
      if (!this.error || !this.fields.data) void this.fields.run((signal) => ask(api.POST("/api/v1/events/fields", { body, signal })));
    });
  }

  askHistogram(): void {
    const question = this.question;
    if (!question || !prefs.histogramOpen) return;
    // The page asks on every change of what could matter; only a new question or colour is asked again.
    const about = JSON.stringify([question, this.view.split]);
    if (about === this.#histogramAbout) return;
    this.#histogramAbout = about;
    const split = this.view.split === "" ? {} : { split: this.view.split, split_size: 5 };
    void this.histogram.run((signal) => ask(api.POST("/api/v1/events/histogram", { body: { ...question, ...split }, signal }))).then((answer) => {
      if (!answer || this.#noMarks) return;
      const body = { from: question.from, to: question.to, interval_ms: answer.interval_ms };
      void this.marks.run((signal) => call("POST", "/alerts/histogram", { body, signal })).then(() => (this.#noMarks = isMissing(this.marks.error)));
    });
  }

  async #search(question: Question): Promise<void> {
    const abort = (this.#abort = new AbortController());
    this.busy = true;
    try {
      const answer = await ask(api.POST("/api/v1/events/search", { body: { ...question, limit: PAGE_ROWS, fields: this.rowFields, order: this.#order() }, signal: abort.signal }));
      if (this.#abort !== abort) return;
      this.rows = answer.rows as Row[];
      this.answer = answer;
      this.#next = answer.next ?? undefined;
      this.more = this.#next !== undefined;
      this.moreError = undefined;
      this.error = undefined;
    } catch (cause) {
      if (this.#abort !== abort || isAbort(cause)) return;
      this.error = cause;
      this.rows = [];
      this.answer = undefined;
      this.more = false;
    } finally {
      if (this.#abort === abort) this.busy = false;
    }
  }

  /** The next page, when the end of the rows comes into sight. */
  async loadMore(): Promise<void> {
    const [question, next, abort] = [this.question, this.#next, this.#abort];
    if (!question || !next || !abort || this.moreBusy || this.moreError || this.busy || this.tail !== "off" || this.rows.length >= ROWS_MAX) return;
    this.moreBusy = true;
    this.moreError = undefined;
    try {
      const answer = await ask(api.POST("/api/v1/events/search", { body: { ...question, limit: PAGE_ROWS, after: next, fields: this.rowFields, order: this.#order() }, signal: abort.signal }));
      if (this.#abort !== abort) return;
      this.rows = [...this.rows, ...(answer.rows as Row[])];
      this.#next = answer.next ?? undefined;
      this.more = this.#next !== undefined && this.rows.length < ROWS_MAX;
    } catch (cause) {
      if (this.#abort === abort && !isAbort(cause)) this.moreError = cause;
    } finally {
      if (this.#abort === abort) this.moreBusy = false;
    }
  }

  #order(): Schemas["OrderRequest"] {
    const order = this.view.order;
    return typeof order === "string" ? order : { field: { name: order.field, descending: order.descending } };
  }

  /** Closes the open questions: the server stops working on them. */
  cancel(byHand = false): void {
    this.#abort?.abort();
    this.#abort = undefined;
    this.#look?.abort();
    this.#look = undefined;
    this.histogram.cancel();
    this.marks.cancel();
    this.#histogramAbout = "";
    this.fields.cancel();
    this.busy = false;
    this.moreBusy = false;
    if (byHand) this.cancelled = true;
  }

  startTail(): void {
    this.cancel();
    this.tail = "on";
    this.rows = [];
    this.missed = false;
    this.#seen.clear();
    void this.lookAgain();
  }

  stopTail(): void {
    this.tail = "off";
    this.run();
  }

  clearTail(): void {
    this.rows = [];
    this.missed = false;
  }

  /** One look of the live tail. */
  async lookAgain(): Promise<void> {
    if (this.tail !== "on" || this.busy) return;
    const abort = (this.#look = new AbortController());
    this.busy = true;
    try {
      const question = { query: whole(this.view.query, this.view.filters, this.kinds), from: iso(serverNow() - TAIL_REACH_MS), to: iso(serverNow() + TAIL_REACH_MS) };
      const answer = await ask(api.POST("/api/v1/events/search", { body: { ...question, limit: TAIL_LOOK_ROWS, fields: this.rowFields }, signal: abort.signal }));
      if (this.#look !== abort || this.tail !== "on") return;
      const fresh = (answer.rows as Row[]).filter((row) => !this.#seen.has(row.id));
      this.missed ||= this.#seen.size > 0 && fresh.length === TAIL_LOOK_ROWS;
      for (const row of fresh) this.#seen.add(row.id);
      if (this.#seen.size > 20_000) this.#seen = new Set(answer.rows.map((row) => row.id));
      this.rows = [...fresh, ...this.rows].slice(0, TAIL_ROWS_MAX);
      this.answer = { ...answer, total: this.rows.length };
      this.error = undefined;
    } catch (cause) {
      if (this.#look === abort && !isAbort(cause)) {
        this.error = cause;
        this.tail = "paused";
      }
    } finally {
      if (this.#look === abort) this.busy = false;
    }
  }

  /** Keeps the tail going; the answer ends it. */
  keepTail(): () => void {
    const timer = setInterval(() => void this.lookAgain(), TAIL_MS);
    return () => clearInterval(timer);
  }
}

export type { Hunt };
export const makeHunt = () => new Hunt();
