import { describe, expect, it } from "vitest";
import { OPEN, beside, bulkOf, endOf, everyDay, filterOf } from "../src/lib/alerts";
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
