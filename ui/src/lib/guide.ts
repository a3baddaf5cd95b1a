// The guided set-up of a Logpush job: which of its steps stand, from what was typed and what the server found.
import type { LogpushChecked, LogpushScope, LogpushStep } from "../api/logpush";

/** How a step is; `waiting`: one before it is not done. */
export type StepState = "done" | "failed" | "open" | "waiting";

/** What is known so far. */
export interface Known {
  /** Where Cloudflare reaches the server. */
  address: string;
  /** The address that the server is configured with. */
  configured?: string | null;
  /** The account or zone, as typed. */
  place: string;
  token: string;
  tokenKnown: boolean;
  checked: LogpushChecked | undefined;
  reviewed: boolean;
  made: boolean;
}

/** What is wrong with an address for Cloudflare; nothing when it may do. `configured`: the address that the server has. */
export function addressTrouble(address: string, configured?: string | null): string | undefined {
  // What the administrator configured is for the server to judge: it may allow a relay in this network.
  if (configured && address.trim() === configured) return undefined;
  let url: URL;
  try {
    url = new URL(address.trim());
  } catch {
    return "Write it as https://tidegate.example.com.";
  }
  if (/^(localhost|127\.|\[::1\]|0\.0\.0\.0)/.test(url.hostname) || /\.(local|internal|localhost)$/.test(url.hostname)) return "This is an address of this machine or network only. Cloudflare needs a public name.";
  if (url.protocol !== "https:") return "Cloudflare sends to https addresses with a publicly trusted certificate only.";
  if (url.username !== "" || url.search !== "" || url.hash !== "") return "Only the address, without user, query or fragment.";
  return undefined;
}

/** The account or zone; nothing while it is not one. */
export function scopeOf(level: LogpushScope["level"], place: string): LogpushScope | undefined {
  const id = place.trim().toLowerCase();
  return /^[0-9a-f]{32}$/.test(id) ? { level, id } : undefined;
}

/** The steps in their order, each with its state. */
export function stepsOf(known: Known): Record<"address" | "token" | "check" | "review" | "create", StepState> {
  const address: StepState = of(known.checked, ["address"]) ?? (addressTrouble(known.address, known.configured) === undefined ? "done" : "open");
  const typed = scopeOf("account", known.place) !== undefined && (known.tokenKnown || known.token.trim() !== "");
  const token: StepState = of(known.checked, ["scope", "token", "permissions"]) ?? (typed ? "done" : "open");
  const ready = addressTrouble(known.address, known.configured) === undefined && typed;
  const check: StepState = known.checked ? (known.checked.ready ? "done" : "failed") : ready ? "open" : "waiting";
  const review: StepState = known.reviewed ? "done" : check === "done" ? "open" : "waiting";
  return { address, token, check, review, create: known.made ? "done" : review === "done" ? "open" : "waiting" };
}

/** What the server found of some steps: failed when one did, nothing when it looked at none. */
function of(checked: LogpushChecked | undefined, names: LogpushStep["step"][]): StepState | undefined {
  const found = (checked?.steps ?? []).filter((one) => names.includes(one.step));
  if (found.length === 0) return undefined;
  return found.some((one) => one.state === "failed") ? "failed" : "done";
}

/** What the server's names for steps are called. */
export const STEP_WORDS: Record<LogpushStep["step"], string> = {
  scope: "Account or zone", token: "Token", permissions: "Permission", address: "Address", fields: "Fields", jobs: "Jobs that are there", destination: "Validation upload",
};
