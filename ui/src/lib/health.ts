import type { Schemas } from "../api/client";

/** Without word from the server, an intake that got no batch for so long is called silent. */
export const SILENT_AFTER_S = 900;
/** Events this far behind their receipt are called late. */
const LATE_AFTER_S = 600;
const INVALID_SHARE = 0.01;

/** How an intake is, in one word, and how bad that is. */
export function healthOf(intake: Schemas["IntakeView"], now: number): { word: string; tone: "good" | "warn" | "bad" | ""; why: string } {
  const { counts } = intake;
  if (!intake.enabled) return { word: "off", tone: "", why: "Its key is not accepted: senders get 401." };
  if (!counts.last_batch) return { word: "waiting", tone: "warn", why: "No batch has come in yet." };
  const silent = (now - new Date(counts.last_batch).getTime()) / 1000;
  if (silent > SILENT_AFTER_S) return { word: "silent", tone: "bad", why: `No batch for ${Math.round(silent / 60)} minutes. Cloudflare turns a failing job off after a day and does not fill in what was missed.` };
  const all = counts.valid + counts.warning + counts.invalid;
  if (all > 0 && counts.invalid / all > INVALID_SHARE) return { word: "rejects", tone: "warn", why: `${((counts.invalid / all) * 100).toFixed(1)} % of its records could not be parsed.` };
  if ((intake.lag_seconds ?? 0) > LATE_AFTER_S) return { word: "late", tone: "warn", why: `Its events arrive ${Math.round((intake.lag_seconds ?? 0) / 60)} minutes after they happened.` };
  return { word: "well", tone: "good", why: "Batches arrive and are parsed." };
}
