import { describe, expect, it } from "vitest";
import { inSight } from "../src/lib/rows";

describe("rows in sight", () => {
  const high = (row: number) => (row % 2 === 0 ? 20 : 40);
  it.each([
    ["from the top", 0, { first: 0, last: 5, above: 0 }],
    ["in the middle", 1500, { first: 49, last: 55, above: 1460 }],
    ["at the end", 2950, { first: 97, last: 100, above: 2900 }],
    ["far past it", 9000, { first: 99, last: 100, above: 2960 }],
    ["before it begins", -5000, { first: 0, last: 0, above: 0 }],
  ])("%s", (_, top, expected) => expect(inSight(100, high, top, 100, 30)).toMatchObject(expected));
  it("leave nothing out: what is drawn and what is not are as high as all", () => {
    for (const top of [-500, 0, 333, 2000, 2999, 5000]) {
      const { first, last, above, below } = inSight(100, high, top, 200, 50);
      let drawn = 0;
      for (let row = first; row < last; row++) drawn += high(row);
      expect(above + drawn + below).toBe(3000);
    }
  });
  it("of none are none", () => expect(inSight(0, high, 0, 100, 30)).toEqual({ first: 0, last: 0, above: 0, below: 0 }));
});
