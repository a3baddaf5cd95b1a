import { expect, it } from "vitest";
import { bucketHealth } from "../src/lib/bucket-health";

it("a bucket says how it is, the worst first", () => {
  const well = { error: null, polled: "2026-11-23T09:00:00Z", intake: { id: "x", name: "gateway" }, rejected: 0, newest: "2026-11-23T08:59:00Z" };
  const word = (change: Partial<Parameters<typeof bucketHealth>[0]>) => bucketHealth({ ...well, ...change }).word;
  expect([word({}), word({ newest: null }), word({ rejected: 2 }), word({ polled: null }), word({ error: "may not list the bucket", rejected: 2 }), word({ intake: null, error: "x" })]).toEqual(["well", "empty", "gaps", "waiting", "failing", "left"]);
});
