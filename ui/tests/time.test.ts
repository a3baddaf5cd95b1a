import { describe, expect, it } from "vitest";
import { ago, describeRange, iso, parseRange, resolve, resolveRange, shifted, stamp } from "../src/lib/time";

const NOW = Date.UTC(2026, 10, 23, 12, 30, 15); // a Monday

describe("resolve", () => {
  it.each([
    ["now", "2026-11-23T12:30:15Z"],
    ["now-2h", "2026-11-23T10:30:15Z"],
    ["now-1d+30m", "2026-11-22T13:00:15Z"],
    ["now/d", "2026-11-23T00:00:00Z"],
    ["now-1d/d", "2026-11-22T00:00:00Z"],
    ["now-1d/w", "2026-11-16T00:00:00Z"],
    ["2026-11-20", "2026-11-20T00:00:00Z"],
    ["2026-11-20T10:00", "2026-11-20T10:00:00Z"],
    ["2026-11-20T10:00:00.250+02:00", "2026-11-20T08:00:00.250Z"],
  ])("%s", (word, expected) => expect(iso(resolve(word, NOW, "utc")!)).toBe(expected));
  it.each(["", "noww", "now-", "now-2y", "2026-13-01", "2026-02-30", "2026-11-20T25:00", "yesterday"])("not %s", (word) =>
    expect(resolve(word, NOW, "utc")).toBeUndefined(),
  );
});

describe("parseRange", () => {
  it.each([
    ["2h", "now-2h", "now"],
    ["last 15 min", "now-15m", "now"],
    ["Past day", "now-1d", "now"],
    ["2 hours ago", "now-2h", "now"],
    ["an hour ago", "now-1h", "now"],
    ["yesterday", "now-1d/d", "now/d"],
    ["Today", "now/d", "now"],
    ["since 3d ago", "now-3d", "now"],
    ["3 days ago to 1 day ago", "now-3d", "now-1d"],
    ["2026-11-20", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"],
    ["2026-11-20 10:00 to 2026-11-20 12:30", "2026-11-20T10:00:00Z", "2026-11-20T12:30:00Z"],
    ["2026-11-20 10:00 to 12:30", "2026-11-20T10:00:00Z", "2026-11-20T12:30"],
    ["2026-11-20 to 2026-11-21", "2026-11-20T00:00:00Z", "2026-11-22T00:00:00Z"],
    ["2026-11-20T10:00:00Z .. now", "2026-11-20T10:00:00Z", "now"],
    ["now-4h to now-2h", "now-4h", "now-2h"],
    ["1h30m", "now-1h-30m", "now"],
    ["last 1d 2h", "now-1d-2h", "now"],
    ["9:30", "2026-11-23T09:30:00Z", "now"],
    ["since 09:30", "2026-11-23T09:30:00Z", "now"],
    ["10:00 to 12:00", "2026-11-23T10:00:00Z", "2026-11-23T12:00:00Z"],
    ["22:00-02:00", "2026-11-22T22:00:00Z", "2026-11-23T02:00:00Z"],
    ["yesterday 22:00 to 23:15", "2026-11-22T22:00:00Z", "2026-11-22T23:15:00Z"],
    ["yesterday 22:00", "2026-11-22T22:00:00Z", "2026-11-23T00:00:00Z"],
    ["today 00:00 to now", "2026-11-23T00:00:00Z", "now"],
  ])("%s", (typed, from, to) => expect(parseRange(typed, NOW, "utc")).toEqual({ from, to }));
  it.each(["", "soon", "2 fortnights ago", "1h ago to 2h ago", "25:00", "10:00 to 10:99", "today 23:00", "2026-99-01", "hours", "<img>"])("not %s", (typed) =>
    expect(parseRange(typed, NOW, "utc")).toBeUndefined(),
  );
});

describe("ranges", () => {
  it("hold something or are none", () => {
    expect(resolveRange({ from: "now", to: "now-1h" }, NOW, "utc")).toBeUndefined();
    expect(resolveRange({ from: "now-1h", to: "now" }, NOW, "utc")).toEqual({ from: NOW - 3_600_000, to: NOW });
  });
  it("are said as people say them", () => {
    expect(describeRange({ from: "now-1h", to: "now" }, "utc")).toBe("Last hour");
    expect(describeRange({ from: "now-1w", to: "now" }, "utc")).toBe("Last week");
    expect(describeRange({ from: "now-3h", to: "now" }, "utc")).toBe("Last 3 hours");
    expect(describeRange({ from: "2026-11-20T10:00:00Z", to: "2026-11-20T12:30:00Z" }, "utc")).toBe("2026-11-20 10:00:00 – 12:30:00");
  });
  it("move and widen", () => {
    const range = { from: "2026-11-20T10:00:00Z", to: "2026-11-20T12:00:00Z" };
    expect(shifted(range, NOW, "utc", -1)).toEqual({ from: "2026-11-20T08:00:00Z", to: "2026-11-20T10:00:00Z" });
    expect(shifted(range, NOW, "utc", "out")).toEqual({ from: "2026-11-20T09:00:00Z", to: "2026-11-20T13:00:00Z" });
  });
  it("are stamped", () => {
    expect(stamp("2026-11-20T10:00:00.25Z", "utc", true)).toBe("2026-11-20 10:00:00.250");
    expect(stamp("nonsense", "utc")).toBe("nonsense");
    expect(ago(NOW - 90_000, NOW)).toBe("1 min ago");
    expect(ago(NOW + 7_200_000, NOW)).toBe("in 2 h");
    expect(ago(NOW + 1000, NOW)).toBe("just now");
  });
});
