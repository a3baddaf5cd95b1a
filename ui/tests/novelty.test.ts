import { describe, expect, it } from "vitest";
import { LEARNT_DAYS, noveltyOf, pastOf } from "../src/lib/novelty";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const to = Date.UTC(2026, 10, 23, 12);
const today = { from: to - DAY, to };

describe("novelty", () => {
  it("takes the range as it is once the past is long enough", () => {
    const told = noveltyOf(today, pastOf(today) + 3 * HOUR);
    expect(told).toMatchObject({ from: today.from, since: today.from - LEARNT_DAYS * DAY, learnt: true });
  });
  it("compares with a shorter past and says so", () => {
    const told = noveltyOf(today, to - 4 * DAY);
    expect(told).toMatchObject({ from: today.from, since: to - 4 * DAY, learnt: false });
    expect(told?.says).toContain("in the 3 d before");
  });
  it("looks at the end of a young store only, so that not everything is new", () => {
    const told = noveltyOf(today, to - DAY);
    expect(told).toMatchObject({ from: to - 3 * HOUR, since: to - DAY, learnt: false });
    expect(told?.says).toContain("last 3 h, against the 21 h before");
  });
  it("does not leave the range that was asked for", () => {
    const hour = { from: to - HOUR, to };
    expect(noveltyOf(hour, to - 16 * HOUR)?.from).toBe(hour.from);
  });
  it("says nothing without a past", () => {
    expect(noveltyOf(today, undefined)).toBeUndefined();
    expect(noveltyOf(today, to - HOUR)).toBeUndefined();
  });
});
