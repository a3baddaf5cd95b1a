import type { Schemas } from "../api/client";

/** A followed bucket, as `GET /buckets` tells of it. */
export type Bucket = Schemas["BucketView"];

type Health = { word: string; tone: "good" | "warn" | "bad" | ""; why: string };
type Facts = Pick<Bucket, "error" | "polled" | "intake" | "rejected" | "newest">;

/** How a followed bucket is, and what to do about it. */
export function bucketHealth(bucket: Facts): Health {
  if (!bucket.intake) return { word: "left", tone: "", why: "Its intake is gone: it is not followed any more." };
  if (bucket.error) return { word: "failing", tone: "bad", why: bucket.error };
  if (!bucket.polled) return { word: "waiting", tone: "warn", why: "It was not looked through to the end yet." };
  if (bucket.rejected > 0) return { word: "gaps", tone: "warn", why: "Some objects were given up; open their number to see why." };
  if (!bucket.newest) return { word: "empty", tone: "warn", why: "No object has been written below its prefix; look at the Logpush job." };
  return { word: "well", tone: "good", why: "" };
}
