import { describe, expect, it } from "vitest";
import { fieldsOf } from "../src/lib/extras";

describe("extras", () => {
  const event = (extra: unknown) => ({ tidegate: { extra } });
  it("counts fields, whether the object is one or written as a string", () => {
    expect(fieldsOf([event({ B: 1, A: "x" }), event('{"A":"y\\u202e"}'), event(undefined), {}])).toEqual([
      { field: "A", count: 2, sample: "x" }, { field: "B", count: 1, sample: "1" },
    ]);
  });
  it("takes damage for nothing and spells out what hides", () => {
    expect(fieldsOf([event("{"), event("[1]"), event("7"), event(null)])).toEqual([]);
    expect(fieldsOf([event({ A: "a\u202eb" })])[0]!.sample).toBe("a⟨RLO⟩b");
  });
});
