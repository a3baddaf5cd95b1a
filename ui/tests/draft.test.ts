import { describe, expect, it } from "vitest";
import { picksOf, queryOf, ruleOf, uuid } from "../src/lib/draft";

describe("drafts", () => {
  const picks = [{ field: "dns.question.name", value: "a*b.example" }, { field: "dns.question.name", value: "c\u202ed" }, { field: "source.ip", value: "192.0.2.1" }];
  it("come from addresses, and damaged ones are dropped", () => {
    expect(picksOf("?" + new URLSearchParams(picks.map((one) => ["v", `${one.field}=${one.value}`])))).toEqual(picks);
    expect(picksOf("?v=x&v=%3D&v=a b=c&v=a=<img>")).toEqual([{ field: "a", value: "<img>" }]);
  });
  it("are queries", () => {
    expect(queryOf(picks)).toBe('(dns.question.name:"a*b.example" OR dns.question.name:"c\u202ed") AND source.ip:192.0.2.1');
  });
  it("are rules whose values mean exactly themselves", () => {
    const rule = ruleOf([...picks, { field: "x", value: 'q"\n: - #' }], "me", "id", "2026-11-23");
    expect(rule).toContain('            - "a\\\\*b.example"\n            - "c\\u202ed"');
    expect(rule).toContain('        source.ip: "192.0.2.1"');
    expect(rule).toContain('        x: "q\\"\\n: - #"');
    expect(rule).not.toContain("\u202e");
  });
  it("have ids", () => {
    expect(uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
