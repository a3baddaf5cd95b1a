import type { Schemas } from "../api/client";
import { span } from "./format";

/** With a batch not older than this, something is taken to be sending. */
const FED_WITHIN_S = 900;
const INVALID_SHARE = 0.01;

/** Whether something sends to an intake now. */
export function isFed(intake: Schemas["IntakeView"], now: number): boolean {
  return intake.counts.last_batch ? (now - new Date(intake.counts.last_batch).getTime()) / 1000 < FED_WITHIN_S : false;
}

/** How an intake is, in one word, and how bad that is. Its own limits say what silent and late are. */
export function healthOf(intake: Schemas["IntakeView"], now: number): { word: string; tone: "good" | "warn" | "bad" | ""; why: string } {
  const { counts, watch } = intake;
  if (!intake.enabled) return { word: "off", tone: "", why: "Its key is not accepted: senders get 401." };
  const quiet = counts.last_batch ? (now - new Date(counts.last_batch).getTime()) / 1000 : undefined;
  // The server looks every so often; what is plain to see is said at once.
  if (watch.silent_since || (watch.silence_seconds && (quiet ?? 0) > watch.silence_seconds)) {
    const since = quiet === undefined ? "No batch has come in, for longer than its limit." : `No batch for ${span(quiet)}.`;
    return { word: "silent", tone: "bad", why: `${since} Cloudflare turns a failing job off after a day and does not fill in what was missed.` };
  }
  if (quiet === undefined) return { word: "waiting", tone: "warn", why: "No batch has come in yet." };
  const all = counts.valid + counts.warning + counts.invalid;
  if (all > 0 && counts.invalid / all > INVALID_SHARE) return { word: "rejects", tone: "warn", why: `${((counts.invalid / all) * 100).toFixed(1)} % of its records could not be parsed.` };
  const lag = intake.lag_seconds ?? 0;
  if (watch.late_since || (watch.lag_seconds && lag > watch.lag_seconds)) return { word: "late", tone: "warn", why: `Its events arrive ${span(lag)} after they happened.` };
  if (!watch.silence_seconds && !isFed(intake, now)) return { word: "quiet", tone: "", why: `No batch for ${span(quiet)}. Silence of this intake is not watched.` };
  return { word: "well", tone: "good", why: "Batches arrive and are parsed." };
}

/** The limits to choose from; the server takes a minute to 30 days. */
export const LIMITS_S = [300, 900, 1800, 3600, 7200, 21_600, 86_400, 604_800];

/** The choices with the one that is set, in order. */
export function limitsWith(set: number | null | undefined): number[] {
  return [...new Set([...LIMITS_S, ...(set ? [set] : [])])].sort((a, b) => a - b);
}
