import { describe, expect, it } from "vitest";
import { OPEN, bars, beside, bulkOf, endOf, everyDay, filterOf, isAbout } from "../src/lib/alerts";
import { gather } from "../src/lib/patterns";
import { ruleOf } from "../src/lib/draft";

describe("the list of alerts", () => {
  it("changes all that its filters find, and says nothing of what is not chosen", () => {
    const filter = filterOf("?severity=high&q=beacon");
    expect(bulkOf(true, ["a"], filter)).toEqual({ filter: { status: OPEN, severity: "high", q: "beacon" } });
    expect(bulkOf(true, [], filterOf("?status="))).toEqual({ filter: {} });
    expect(bulkOf(false, ["a", "b"], filter)).toEqual({ ids: ["a", "b"] });
  });
  it("knows who stands beside an alert", () => {
    expect(beside(["a", "b", "c"], "b")).toEqual({ before: "a", after: "c" });
    expect(beside(["a"], "a")).toEqual({ before: undefined, after: undefined });
    expect(beside(["a"], "x")).toEqual({ before: undefined, after: undefined });
  });
});

it("an end below a millisecond still holds its last event", () => {
  expect(new Date(endOf("2026-11-23T01:31:09.000001Z")).getTime()).toBeGreaterThan(Date.UTC(2026, 10, 23, 1, 31, 9));
  expect(endOf("nonsense")).toBe("nonsense");
});

it("days without hits are bars too", () => {
  const days = everyDay([{ day: "2026-11-23", count: 7 }, { day: "2026-11-20", count: 1 }], Date.UTC(2026, 10, 23, 5), 5);
  expect(days.map((one) => one.count)).toEqual([0, 1, 0, 0, 7]);
  expect(days[0]!.day).toBe("2026-11-19");
});

describe("patterns", () => {
  const row = (name: string, ip: string, description = "") => ({ timestamp: "2026-11-23T00:00:00Z", description, event: { dns: { question: { name, registered_domain: "c2.example", type: "A" } }, source: { ip } } });
  it("counts names of one shape together, the most frequent first", () => {
    const found = gather([row("www.c2.example", "192.0.2.1"), row("a1b2c3d4e5.c2.example", "192.0.2.1"), row("f6a7b8c9d0.c2.example", "192.0.2.2")], "name");
    expect(found.map((one) => [one.key, one.count, one.names, one.clients, one.example])).toEqual([["‹hex›.c2.example", 2, 2, 2, 1], ["www.c2.example", 1, 1, 1, 0]]);
  });
  it("counts sentences that differ only in their values together, and keeps what tells them apart", () => {
    const found = gather([row("a.c2.example", "192.0.2.1", "192.0.2.1 asked for a.c2.example (A)"), row("b.c2.example", "192.0.2.2", "192.0.2.2 asked for b.c2.example (A)")], "sentence");
    expect(found).toHaveLength(1);
    expect(found[0]!.key).toBe("‹ip› asked for ‹name› (A)");
    expect(found[0]!.regex).toBe("");
  });
});

it("a rule from an aggregation counts by its field", () => {
  const text = ruleOf([{ field: "dns.response_code", value: "NXDomain" }], "me", "11111111-1111-4111-8111-111111111111", "2026-11-23", "source.ip");
  expect(text).toMatch(/name: base-11111111\n[\s\S]*\n---\n[\s\S]*rules:\n {8}- base-11111111\n {4}group-by:\n {8}- source\.ip/);
});

describe("alerts over time", () => {
  const HOUR = 3_600_000;
  it("fills what has none, from the bar in which the time begins", () => {
    const span = { from: Date.UTC(2026, 10, 23, 1, 30), to: Date.UTC(2026, 10, 23, 4) };
    const found = bars([{ start: "2026-11-23T01:00:00Z", count: 2, series: [2, 0] }, { start: "2026-11-23T03:00:00Z", count: 5, series: [0, 5] }], span, HOUR);
    expect(found.map((one) => [one.start.slice(11, 16), one.count, one.series])).toEqual([["01:00", 2, [2, 0]], ["02:00", 0, []], ["03:00", 5, [0, 5]]]);
  });
  it("has weeks that begin on Monday, as the server's do", () => {
    const found = bars([{ start: "2026-11-16T00:00:00Z", count: 1, series: [1] }], { from: Date.UTC(2026, 10, 18), to: Date.UTC(2026, 10, 23) }, 7 * 24 * HOUR);
    expect(found.map((one) => [one.start.slice(0, 10), one.count])).toEqual([["2026-11-16", 1]]);
  });
});

it("an alert about a name below a domain is about the domain, one about a lookalike is not", () => {
  const one = { name: "www.c2.example", target: "c2.example", group: { "source.ip": "192.0.2.1" } };
  expect(isAbout(one, "c2.example")).toBe(true);
  expect(isAbout({ ...one, name: "www.notc2.example", target: "notc2.example" }, "c2.example")).toBe(false);
  expect(isAbout({ name: null, target: null, group: { "dns.question.registered_domain": "c2.example" } }, "c2.example")).toBe(true);
});

it("a stretch and a target are among the filters, and go along with a change of all", () => {
  const filter = filterOf("?status=&from=2026-11-23T01:00:00Z&to=2026-11-23T02:00:00Z&target=c2.example");
  expect(bulkOf(true, [], filter)).toEqual({ filter: { from: "2026-11-23T01:00:00Z", to: "2026-11-23T02:00:00Z", target: "c2.example" } });
});
