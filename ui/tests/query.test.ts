import { describe, expect, it } from "vitest";
import { decodeFilter, encodeFilter, quote, term, valueFilter, whole, withFilter, type Filter } from "../src/lib/query";
import { decode, encode, fresh } from "../src/lib/view";

const filter = (parts: Partial<Filter>): Filter => ({ kind: "is", field: "a.b", value: "x", not: false, off: false, ...parts });

describe("writing queries", () => {
  it.each([
    ["www.example.com", "www.example.com"],
    ["two words", '"two words"'],
    ["a*b", '"a*b"'],
    ['say "hi"\\', '"say \\"hi\\"\\\\"'],
    ["AND", '"AND"'],
    ["-x", '"-x"'],
    ["/re/", '"/re/"'],
    ["2001:db8::1", '"2001:db8::1"'],
    ["", '""'],
  ])("%s", (value, expected) => expect(quote(value)).toBe(expected));
  it("knows kinds", () => {
    expect(term("source.port", "53", new Map([["source.port", "int"]]))).toBe("source.port:53");
    expect(term("x", "-5", new Map([["x", "int_list"]]))).toBe("x:-5");
  });
  it("joins what is typed and what is clicked", () => {
    const filters = [filter({}), filter({ not: true, value: "y z" }), filter({ off: true, value: "off" }), filter({ kind: "exists" })];
    expect(whole("c OR d", filters)).toBe('(c OR d) AND a.b:x AND NOT a.b:"y z" AND a.b:*');
    expect(whole(" * ", [])).toBe("");
    expect(whole("c OR d", [])).toBe("c OR d");
    expect(whole("", [filter({ kind: "query", value: "p OR q", not: true })])).toBe("NOT (p OR q)");
  });
  it("replaces a filter about the same value", () => {
    const once = withFilter([], valueFilter("a", "x", false));
    expect(withFilter(once, valueFilter("a", "x", true))).toEqual([valueFilter("a", "x", true)]);
    expect(withFilter(once, valueFilter("a", "y", true))).toHaveLength(2);
  });
});

describe("addresses", () => {
  it.each([
    filter({}), filter({ not: true, off: true, value: "a=b?&~-" }), filter({ kind: "exists", value: "", not: true }),
    filter({ kind: "query", field: "", value: "x:(y OR z)", not: true }), filter({ field: "@timestamp", value: "" }),
  ])("keep filters %#", (one) => expect(decodeFilter(encodeFilter(one))).toEqual(one));
  it.each(["", "~", "-", "nothing", "a b=c", "=x", "?"])("refuse %s", (word) => expect(decodeFilter(word)).toBeUndefined());
  it("hold the whole view", () => {
    expect(encode(fresh())).toBe("");
    const view = {
      ...fresh(), query: 'a:"b & c"', range: { from: "2026-11-20T10:00:00Z", to: "2026-11-20T12:00:00Z" }, filters: [filter({ value: "=&#<img>" })],
      columns: ["source.ip"], order: { field: "source.ip", descending: true }, split: "", tab: "aggregate" as const,
      agg: { fn: "avg" as const, field: "a.b", by: "time" as const, byField: "c", size: 5 }, alike: "sentence" as const, rare: true, event: "01a20652-c2d0-87b2-8000-00019c00000e",
      compare: ["01a20652-c2d0-87b2-8000-00019c00000e"],
    };
    expect(decode("?" + encode(view))).toEqual(view);
  });
  it("survive damage", () => {
    const view = decode("?from=&cols=a%20b,<x>&sort=%00&tab=x&agg=~~~&e=zzz&f=%3Cimg&split=%20&alike=x&rare=2");
    expect({ ...view, columns: fresh().columns }).toEqual(fresh());
    expect(view.columns).toEqual([]);
  });
});
