// Which domains count as new. Without a past to compare with everything is new, which tells nobody anything; so the stretch
// in which a domain may be new shrinks until there is a past in front of it, and the page says what it compared.
import { span as words } from "./format";
import type { Span } from "./time";

/** So much past makes a domain known: the learning time of the detector for domains that were never seen. */
export const LEARNT_DAYS = 7;
const DAY_MS = 86_400_000;
/** Nights and pauses: the oldest event need not stand at the very beginning. */
const TOLERANCE_MS = DAY_MS / 2;
/** A young store is cut so: one part in which a domain may be new, against so many before it. */
const PARTS = 8;
/** With less than this there is nothing to compare. */
const PAST_MIN_MS = 2 * 3_600_000;

/** What is compared with what. */
export interface Novelty {
  /** Domains first asked for from here on are new. */
  from: number;
  /** The past reaches back to here. */
  since: number;
  /** Whether the past is as long as it should be. */
  learnt: boolean;
  /** What the list means, for people. */
  says: string;
}

/** Where the past of a range begins. */
export function pastOf(range: Span): number {
  return range.from - LEARNT_DAYS * DAY_MS;
}

/** What counts as new in a range, given the oldest event since `pastOf`; `undefined` when there is too little past to tell. */
export function noveltyOf(range: Span, oldest: number | undefined): Novelty | undefined {
  if (oldest === undefined || range.to - oldest < PAST_MIN_MS) return undefined;
  const [wanted, width] = [pastOf(range), range.to - range.from];
  if (oldest - wanted <= TOLERANCE_MS) return { from: range.from, since: wanted, learnt: true, says: `not asked for in the ${LEARNT_DAYS} days before` };
  const past = range.from - oldest;
  if (past >= Math.max(DAY_MS, width)) return { from: range.from, since: oldest, learnt: false, says: `not asked for in the ${words(past / 1000)} before; ${LEARNT_DAYS} days would say more` };
  const from = Math.max(range.from, Math.round(range.to - (range.to - oldest) / PARTS));
  return { from, since: oldest, learnt: false, says: `first asked for in the last ${words((range.to - from) / 1000)}, against the ${words((from - oldest) / 1000)} before: older events are not stored` };
}
