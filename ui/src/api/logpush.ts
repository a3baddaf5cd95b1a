// Bodies of the calls about Logpush jobs; docs/api.md says what they mean.
import { call } from "./client";

export type LogpushLevel = "account" | "zone";
export interface LogpushScope { level: LogpushLevel; id: string }
export interface LogpushEstimate { gigabytes_a_month: number; dollars_a_month: number; measured_seconds: number; sentence: string }
export type LogpushSeverity = "breaking" | "warning" | "note";

export interface LogpushWarning {
  kind: "failing" | "disabled" | "gone" | "lag" | "silent" | "key" | "drift" | "sampled";
  severity: LogpushSeverity; sentence: string; advice: string; since: string | null;
}

export interface LogpushJob {
  id: number; scope: LogpushScope; name: string | null; dataset: string | null; format: string | null; intake: { id: string; name: string } | null; destination: string; enabled: boolean;
  state: "healthy" | "starting" | "failing" | "disabled" | "gone" | "unknown";
  last_complete: string | null; last_error: string | null; error_message: string | null; failing_since: string | null; lag_seconds: number | null;
  warnings: LogpushWarning[]; estimate: LogpushEstimate | null; checked_at: string;
}

export interface LogpushOverview {
  watching: boolean; sentence: string; token_known: boolean; scopes: LogpushScope[]; public_url: string | null; checked_at: string | null;
  errors: { scope: LogpushScope; sentence: string }[]; jobs: LogpushJob[]; estimate: LogpushEstimate | null;
}

export interface LogpushDataset { name: string; format: string; level: LogpushLevel; personal: boolean }

export interface LogpushWish {
  scope: LogpushScope; dataset?: string; intake?: string; key?: string; rotate_key?: boolean; public_url?: string; skip_address?: boolean; compat?: boolean;
  headers?: { name: string; value: string }[]; token?: string; dry_run?: boolean;
}

export interface LogpushStep {
  step: "scope" | "token" | "permissions" | "address" | "fields" | "jobs" | "destination"; state: "ok" | "failed" | "unknown"; sentence: string;
}

export interface LogpushChecked { ready: boolean; steps: LogpushStep[]; offered: number; sent: string[] }

export interface LogpushMade {
  ready: boolean; steps: LogpushStep[]; request: object | null; curl: string | null; job: LogpushJob | null; intake: { id: string; name: string } | null; key: string | null;
}

export interface LogpushLook { token?: string; scope?: LogpushScope; public_url?: string; key?: string }

export interface LogpushDifference {
  aspect: string; severity: LogpushSeverity; is: string; wanted: string; why: string; mended: boolean; needs_key: boolean;
}

export interface LogpushComparison {
  job: LogpushJob; differences: LogpushDifference[]; update: { request: object; curl: string } | null; seen: string;
}

export interface LogpushUpdated {
  job: LogpushJob; mended: LogpushDifference[]; left: LogpushDifference[]; request: object; key: string | null; changed: boolean;
}

/** The calls. A token is for the one call that it is given to. */
export const logpush = {
  jobs: (signal: AbortSignal) => call<LogpushOverview>("GET", "/logpush/jobs", { signal }),
  datasets: (signal: AbortSignal) => call<LogpushDataset[]>("GET", "/logpush/datasets", { signal }),
  check: (body: LogpushWish, signal?: AbortSignal) => call<LogpushChecked>("POST", "/logpush/check", { body, ...(signal ? { signal } : {}) }),
  create: (body: LogpushWish) => call<LogpushMade>("POST", "/logpush/jobs", { body }),
  verify: (id: number, body: LogpushLook, signal?: AbortSignal) => call<LogpushComparison>("POST", `/logpush/jobs/${id}/verify`, { body, ...(signal ? { signal } : {}) }),
  update: (id: number, body: LogpushLook & { seen: string; rotate_key?: boolean; intake?: string }) => call<LogpushUpdated>("POST", `/logpush/jobs/${id}/update`, { body }),
};
