// How a Logpush job is, in words.
import type { LogpushComparison, LogpushDifference, LogpushJob, LogpushOverview } from "../api/logpush";

type Tone = "good" | "warn" | "bad" | "info" | "";

/** How much a difference or a warning matters: never by colour alone. */
export const SEVERITIES = {
  breaking: { word: "breaking", tone: "bad", icon: "close" },
  warning: { word: "warning", tone: "warn", icon: "warning" },
  note: { word: "note", tone: "info", icon: "help" },
} as const;

const STATES: Record<LogpushJob["state"], { word: string; tone: Tone; why: string }> = {
  healthy: { word: "delivers", tone: "good", why: "Cloudflare says that it delivers." },
  starting: { word: "starting", tone: "warn", why: "It has delivered nothing yet. The first batches come within 10 to 15 minutes." },
  failing: { word: "failing", tone: "bad", why: "Its uploads fail. Cloudflare switches it off after about 24 hours of that, and does not send later what was missed." },
  disabled: { word: "off", tone: "bad", why: "Nothing is sent, and what is missed is not sent later." },
  gone: { word: "gone", tone: "bad", why: "Cloudflare knows no such job any more." },
  unknown: { word: "not known", tone: "warn", why: "It could not be looked at." },
};

/** How the job is: its state, made worse by what it is warned of. */
export function jobHealth(job: LogpushJob): { word: string; tone: Tone; why: string } {
  const base = STATES[job.state] ?? STATES.unknown;
  if (base.tone !== "good") return base;
  if (job.warnings.some((one) => one.severity === "breaking")) return { word: "wrong", tone: "bad", why: "It delivers, but something breaks events or rules." };
  if (job.warnings.some((one) => one.severity === "warning")) return { word: "look", tone: "warn", why: "It delivers; something needs a look." };
  return base;
}

/** The jobs that send to an intake. */
export function jobsOf(overview: LogpushOverview | undefined, intake: string): LogpushJob[] {
  return (overview?.jobs ?? []).filter((job) => job.intake?.id === intake);
}

/** When Cloudflare switches a failing job off, as it announces: a day after failing began. */
export function switchedOffAt(job: LogpushJob): number | undefined {
  const since = job.state === "failing" && job.failing_since ? new Date(job.failing_since).getTime() : NaN;
  return Number.isNaN(since) ? undefined : since + 24 * 3_600_000;
}

/** A difference as lines of a diff. What is only told, with nothing to have instead, is no line that goes. */
export function diffOf(one: LogpushDifference): { sign: "-" | "+" | " "; text: string }[] {
  const lines = (sign: "-" | "+" | " ", text: string) => (text === "" ? [] : text.split("\n").map((line) => ({ sign, text: line })));
  const told = one.wanted === "" && !one.mended;
  return one.is === one.wanted ? [] : [...lines(told ? " " : "-", one.is), ...lines("+", one.wanted)];
}

/** What a comparison comes to, in a sentence. */
export function verdictOf({ differences, update }: LogpushComparison): { tone: Tone; says: string; needsKey: boolean } {
  const breaking = differences.filter((one) => one.severity === "breaking").length;
  const needsKey = differences.some((one) => one.needs_key);
  const told = differences.filter((one) => one.severity !== "note").length;
  if (differences.length === 0) return { tone: "good", says: "The job is as it should be.", needsKey };
  const mends = update != null || needsKey ? "" : " None of it can be mended from here.";
  if (breaking > 0) return { tone: "bad", says: `${breaking === 1 ? "One thing breaks" : `${breaking} things break`} events or rules.${mends}`, needsKey };
  if (told > 0) return { tone: "warn", says: `The job works; ${told === 1 ? "one thing" : `${told} things`} could be better.${mends}`, needsKey };
  return { tone: "good", says: "The job works; what differs is only worth knowing.", needsKey };
}
