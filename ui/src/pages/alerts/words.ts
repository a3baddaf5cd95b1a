import type { AlertStatus, Verdict } from "../../api/types";

/** Statuses as people say them. */
export const STATUS: Record<AlertStatus, { name: string; verb: string; done: string; tone: string }> = {
  pending: { name: "Pending", verb: "Reopen", done: "reopened", tone: "warn" },
  acknowledged: { name: "Acknowledged", verb: "Acknowledge", done: "acknowledged", tone: "info" },
  ongoing: { name: "Ongoing", verb: "Work on", done: "in work", tone: "info" },
  closed: { name: "Closed", verb: "Close", done: "closed", tone: "good" },
  rejected: { name: "Rejected", verb: "Reject", done: "rejected", tone: "" },
};

/** Verdicts as people say them. */
export const VERDICT: Record<Verdict, string> = { true_positive: "true positive", benign: "true but benign", false_positive: "false positive", unknown: "unknown" };
