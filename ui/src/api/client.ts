// The one door to the server: the typed client, the CSRF header, and errors as one type.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

/** Types of the API's bodies, from docs/openapi.json. */
export type Schemas = components["schemas"];

/** Anything but a success. `status` 0: the server did not answer. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly span?: { start: number; end: number },
    readonly retryAfter?: number,
  ) {
    super(message);
  }
}

let csrf = "";
let clockOffsetMs = 0;
let onLost: () => void = () => {};

/** Sets the token that changes carry; the login and `GET /me` give it. */
export function setCsrf(token: string): void {
  csrf = token;
}

/** Calls back when the server no longer knows the session. */
export function whenLost(callback: () => void): void {
  onLost = callback;
}

/** The server's idea of now: ranges are about its clock, not the browser's. */
export function serverNow(): number {
  return Date.now() + clockOffsetMs;
}

async function send(request: Request): Promise<Response> {
  if (csrf !== "" && !["GET", "HEAD"].includes(request.method)) request.headers.set("X-Tidegate-CSRF", csrf);
  let response: Response;
  try {
    response = await fetch(request);
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiError(0, "unreachable", "the server does not answer; is it running, and is the network up?");
  }
  const date = Date.parse(response.headers.get("Date") ?? "");
  // The header has whole seconds: only a clock that is clearly off counts.
  if (!Number.isNaN(date)) clockOffsetMs = Math.abs(date - Date.now()) > 2500 ? date - Date.now() + 500 : 0;
  if (response.status === 401 && !request.url.endsWith("/api/v1/login")) onLost();
  return response;
}

/** The typed client. */
export const api = createClient<paths>({ baseUrl: location.origin, fetch: send });

/** The answer of a call of the typed client, or an `ApiError`. */
export async function ask<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw errorOf(response, error);
  return data as T;
}

/** A call whose answer is one of types.ts. */
export async function call<T>(method: string, path: string, options: { query?: Record<string, string | number | boolean | undefined>; body?: unknown; signal?: AbortSignal } = {}): Promise<T> {
  const url = new URL("/api/v1" + path, location.origin);
  for (const [key, value] of Object.entries(options.query ?? {})) if (value !== undefined && value !== "") url.searchParams.set(key, String(value));
  const init: RequestInit = { method };
  if (options.signal) init.signal = options.signal;
  if (options.body !== undefined) {
    init.body = JSON.stringify(options.body);
    init.headers = { "Content-Type": "application/json" };
  }
  const response = await send(new Request(url, init));
  const body: unknown = response.status === 204 ? undefined : await response.json().catch(() => undefined);
  if (!response.ok) throw errorOf(response, body);
  return body as T;
}

/** A download under the session's CSRF token, as a file for the user. */
export async function download(path: string, body: unknown, name: string, signal?: AbortSignal): Promise<void> {
  const init: RequestInit = { method: body === undefined ? "GET" : "POST" };
  if (body !== undefined) Object.assign(init, { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  if (signal) init.signal = signal;
  const response = await send(new Request(new URL("/api/v1" + path, location.origin), init));
  if (!response.ok) throw errorOf(response, await response.json().catch(() => undefined));
  saveBlob(await response.blob(), name);
}

/** Hands a blob to the user as a file. */
export function saveBlob(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function errorOf(response: Response, body: unknown): ApiError {
  const detail = (body as { error?: Schemas["ErrorDetail"] } | undefined)?.error;
  const wait = Number(response.headers.get("Retry-After") ?? "");
  return new ApiError(
    response.status, detail?.code ?? "unknown", detail?.message ?? `the server answered ${response.status}`,
    detail?.span ?? undefined, Number.isFinite(wait) && wait > 0 ? wait : undefined,
  );
}

/** Whether a failure is only that somebody cancelled. */
export function isAbort(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === "AbortError";
}

/** Whether this build of the server has no such call. */
export function isMissing(cause: unknown): boolean {
  return cause instanceof ApiError && (cause.status === 404 || cause.status === 405);
}

/** A failure as a sentence. */
export function sentence(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.charAt(0).toUpperCase() + message.slice(1) + (/[.?!]$/.test(message) ? "" : ".");
}
