// Short names for the bodies of the calls about Logpush jobs; docs/openapi.json says what they hold.
import { call, type Schemas } from "./client";

export type LogpushScope = Schemas["LogpushScope"];
export type LogpushJob = Schemas["LogpushJob"];
export type LogpushOverview = Schemas["LogpushOverview"];
export type LogpushDataset = Schemas["LogpushDataset"];
export type LogpushWish = Schemas["LogpushWish"];
export type LogpushStep = Schemas["LogpushStep"];
export type LogpushChecked = Schemas["LogpushChecked"];
export type LogpushMade = Schemas["LogpushMade"];
export type LogpushLook = Schemas["LogpushLook"];
export type LogpushDifference = Schemas["LogpushDifference"];
export type LogpushComparison = Schemas["LogpushComparison"];
export type LogpushUpdated = Schemas["LogpushUpdated"];

/** The calls. A token is for the one call that it is given to. */
export const logpush = {
  jobs: (signal: AbortSignal) => call<LogpushOverview>("GET", "/logpush/jobs", { signal }),
  datasets: (signal: AbortSignal) => call<LogpushDataset[]>("GET", "/logpush/datasets", { signal }),
  check: (body: LogpushWish, signal?: AbortSignal) => call<LogpushChecked>("POST", "/logpush/check", { body, ...(signal ? { signal } : {}) }),
  create: (body: LogpushWish) => call<LogpushMade>("POST", "/logpush/jobs", { body }),
  verify: (id: number, body: LogpushLook, signal?: AbortSignal) => call<LogpushComparison>("POST", `/logpush/jobs/${id}/verify`, { body, ...(signal ? { signal } : {}) }),
  update: (id: number, body: Schemas["LogpushUpdate"]) => call<LogpushUpdated>("POST", `/logpush/jobs/${id}/update`, { body }),
};
