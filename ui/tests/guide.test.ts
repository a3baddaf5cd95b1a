import { describe, expect, it } from "vitest";
import type { LogpushChecked, LogpushComparison, LogpushDifference, LogpushJob } from "../src/api/logpush";
import { addressTrouble, scopeOf, stepsOf, type Known } from "../src/lib/guide";
import { diffOf, jobHealth, jobsOf, SEVERITIES, switchedOffAt, verdictOf } from "../src/lib/job-health";

const ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353";
const known = (rest: Partial<Known> = {}): Known => ({ address: "https://tidegate.example.com", place: ACCOUNT, token: "cf", tokenKnown: false, checked: undefined, reviewed: false, made: false, ...rest });
const checked = (ready: boolean, ...steps: LogpushChecked["steps"]): LogpushChecked => ({ ready, steps, offered: 3, sent: [] });

describe("guide", () => {
  it.each([
    ["https://tidegate.example.com", undefined], ["https://tidegate.example.com:8443/", undefined], ["http://tidegate.example.com", /https addresses/],
    ["https://localhost:8080", /public name/], ["http://127.0.0.1:8080", /public name/], ["https://siem.internal", /public name/], ["tidegate.example.com", /Write it as/], ["https://u:p@x.example", /without user/],
  ])("looks at the address %s", (address, trouble) => {
    if (trouble === undefined) expect(addressTrouble(address as string)).toBeUndefined();
    else expect(addressTrouble(address as string)).toMatch(trouble as RegExp);
  });
  it("leaves the address that the server is configured with to the server", () => {
    expect(addressTrouble("https://10.0.0.7.internal", "https://10.0.0.7.internal")).toBeUndefined();
    expect(addressTrouble("https://10.0.0.8.internal", "https://10.0.0.7.internal")).toMatch(/public name/);
    expect(addressTrouble("http://127.0.0.1", "")).toMatch(/public name/);
  });
  it("knows an account when it sees one", () => {
    expect(scopeOf("zone", ` ${ACCOUNT.toUpperCase()} `)).toEqual({ level: "zone", id: ACCOUNT });
    expect(scopeOf("account", ACCOUNT.slice(1))).toBeUndefined();
    expect(scopeOf("account", ACCOUNT.replace("0", "g"))).toBeUndefined();
  });
  it("opens one step after the other", () => {
    expect(stepsOf(known({ address: "http://127.0.0.1", token: "" }))).toEqual({ address: "open", token: "open", check: "waiting", review: "waiting", create: "waiting" });
    expect(stepsOf(known({ token: "", tokenKnown: true }))).toMatchObject({ token: "done", check: "open", review: "waiting" });
    expect(stepsOf(known({ checked: checked(true, { step: "token", state: "ok", sentence: "" }) }))).toMatchObject({ check: "done", review: "open", create: "waiting" });
    expect(stepsOf(known({ checked: checked(true), reviewed: true }))).toMatchObject({ review: "done", create: "open" });
    expect(stepsOf(known({ checked: checked(true), reviewed: true, made: true })).create).toBe("done");
  });
  it("puts a failed check where it belongs", () => {
    const failed = checked(false, { step: "token", state: "ok", sentence: "" }, { step: "permissions", state: "failed", sentence: "" }, { step: "address", state: "ok", sentence: "" });
    expect(stepsOf(known({ checked: failed }))).toEqual({ address: "done", token: "failed", check: "failed", review: "waiting", create: "waiting" });
    // What could not be told does not keep a job from being made.
    expect(stepsOf(known({ checked: checked(true, { step: "permissions", state: "unknown", sentence: "" }) }))).toMatchObject({ token: "done", check: "done" });
  });
});

describe("job health", () => {
  const job = (rest: Partial<LogpushJob> = {}): LogpushJob => ({ id: 1, scope: { level: "account", id: ACCOUNT }, name: null, dataset: "gateway_dns", format: null, intake: null, destination: "", enabled: true, state: "healthy", last_complete: null, last_error: null, error_message: null, failing_since: null, lag_seconds: null, warnings: [], estimate: null, checked_at: "", ...rest });
  const warning = (severity: "breaking" | "warning" | "note") => ({ kind: "drift" as const, severity, sentence: "", advice: "", since: null });
  it.each([
    [job(), "delivers", "good"], [job({ state: "failing" }), "failing", "bad"], [job({ state: "disabled" }), "off", "bad"], [job({ state: "starting" }), "starting", "warn"],
    [job({ warnings: [warning("note")] }), "delivers", "good"], [job({ warnings: [warning("note"), warning("warning")] }), "look", "warn"], [job({ warnings: [warning("breaking")] }), "wrong", "bad"],
    [job({ state: "never heard of" as "gone" }), "not known", "warn"],
  ])("%#", (one, word, tone) => expect(jobHealth(one)).toMatchObject({ word, tone }));
  it("tells when Cloudflare gives up", () => {
    expect(switchedOffAt(job({ state: "failing", failing_since: "2026-11-23T00:00:00Z" }))).toBe(Date.UTC(2026, 10, 24));
    expect(switchedOffAt(job({ failing_since: "2026-11-23T00:00:00Z" }))).toBeUndefined();
    expect(switchedOffAt(job({ state: "failing", failing_since: "damaged" }))).toBeUndefined();
  });
  it("finds the jobs of an intake", () => {
    const jobs = [job({ id: 1, intake: { id: "a", name: "x" } }), job({ id: 2 }), job({ id: 3, intake: { id: "b", name: "y" } })];
    expect(jobsOf({ jobs } as never, "a").map((one) => one.id)).toEqual([1]);
    expect(jobsOf(undefined, "a")).toEqual([]);
  });
});

describe("comparison", () => {
  const difference = (rest: Partial<LogpushDifference> = {}): LogpushDifference => ({ aspect: "enabled", severity: "breaking", is: "enabled: false", wanted: "enabled: true", why: "", mended: true, needs_key: false, ...rest });
  const of = (differences: LogpushDifference[], update: LogpushComparison["update"] = { request: {}, curl: "" }) => verdictOf({ differences, update, seen: "", job: {} as LogpushJob });
  it("is written as lines that go and lines that come", () => {
    expect(diffOf(difference({ is: "a\nb", wanted: "c" }))).toEqual([{ sign: "-", text: "a" }, { sign: "-", text: "b" }, { sign: "+", text: "c" }]);
    expect(diffOf(difference({ is: "x", wanted: "x" }))).toEqual([]);
    // A field that is only worth knowing is no line that goes.
    expect(diffOf(difference({ severity: "note", is: "Tomorrow", wanted: "", mended: false }))).toEqual([{ sign: " ", text: "Tomorrow" }]);
    expect(diffOf(difference({ is: "Old", wanted: "", mended: true }))).toEqual([{ sign: "-", text: "Old" }]);
    expect(diffOf(difference({ is: "", wanted: "x" }))).toEqual([{ sign: "+", text: "x" }]);
  });
  it("marks severities by word and sign, and a note as no error", () => {
    const marks = Object.values(SEVERITIES);
    expect(new Set(marks.map((one) => one.icon)).size).toBe(marks.length);
    expect(SEVERITIES.note).toMatchObject({ word: "note", tone: "info" });
  });
  it("comes to a verdict", () => {
    expect(of([])).toMatchObject({ tone: "good", says: "The job is as it should be." });
    expect(of([difference(), difference({ severity: "note" })])).toMatchObject({ tone: "bad", says: "One thing breaks events or rules.", needsKey: false });
    expect(of([difference({ severity: "warning" }), difference({ severity: "warning" })]).says).toMatch(/2 things could be better/);
    expect(of([difference({ severity: "note" })]).tone).toBe("good");
    expect(of([difference({ mended: false })], null).says).toMatch(/None of it can be mended/);
    expect(of([difference({ needs_key: true })], null)).toMatchObject({ needsKey: true, says: "One thing breaks events or rules." });
  });
});
