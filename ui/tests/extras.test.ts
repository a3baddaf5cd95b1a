import { describe, expect, it } from "vitest";
import { straysOf } from "../src/lib/extras";

describe("fields without a column", () => {
  const columns = ["dns.question.name", "cloudflare.QueryID"];
  const event = (record: object | string, rest: object = {}) => ({ message: typeof record === "string" ? record : JSON.stringify(record), ...rest });
  it("are those whose name and value are found nowhere", () => {
    const dns = { dns: { question: { name: "a.example" }, response_code: "NoError" } };
    expect(straysOf([event({ QueryName: "A.example", QueryID: "x-1", RCode: 0, Later: "new\u202ething", Empty: "", None: null, List: [] }, dns)], columns)).toEqual([{ field: "Later", count: 1, sample: "new⟨RLO⟩thing" }]);
  });
  it("are forgiven one value that is not found, when another is", () => {
    expect(straysOf([event({ SrcIP: "odd" }), event({ SrcIP: "192.0.2.1" }, { source: { ip: "192.0.2.1" } })], columns)).toEqual([]);
  });
  it("are counted, the most frequent first", () => {
    expect(straysOf([event({ B: "one" }), event({ B: "two", A: { deep: ["three"] } })], columns).map((one) => [one.field, one.count])).toEqual([["B", 2], ["A", 1]]);
  });
  it("are none in what is no record", () => {
    expect(straysOf([event("{"), event("[1]"), event("7"), event("null"), {}, event(`{"A":"${"x".repeat(70_000)}"}`)], columns)).toEqual([]);
  });
});
