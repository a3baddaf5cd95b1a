// Answers for Logpush jobs that are always the same: one job that is well, one that fails and one that differs, for stories
// and pictures about states that a real server reaches only after hours. Only tests use it.
const at = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
export const ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353";
const SCOPE = { level: "account", id: ACCOUNT };
const ESTIMATE = { gigabytes_a_month: 61.4, dollars_a_month: 3.64, measured_seconds: 86_400, sentence: "about 61.4 GB a month, $3.64 beyond the 25 GB that are free" };
const DESTINATION = "https://tidegate.example.com/plain/batch?header_X-Tidegate-Intake-Key=tgi_****";
const REQUEST = { name: "tidegate-gateway-dns", dataset: "gateway_dns", enabled: true, destination_conf: DESTINATION, max_upload_interval_seconds: 30, output_options: { output_type: "ndjson", timestamp_format: "rfc3339ns", field_names: ["Datetime", "QueryID", "QueryName"] } };
const CURL = "curl https://api.cloudflare.com/client/v4/accounts/$ACCOUNT/logpush/jobs \\\n  -H \"Authorization: Bearer $CLOUDFLARE_API_TOKEN\" --json @-";
const STEPS = [
  { step: "token", state: "ok", sentence: "the token works" },
  { step: "permissions", state: "ok", sentence: "the token can do what needs `Logs: Edit`" },
  { step: "permissions", state: "ok", sentence: "the token can do what needs `Zero Trust: PII Read`" },
  { step: "address", state: "ok", sentence: "the address answers the validation upload over trusted TLS" },
  { step: "fields", state: "ok", sentence: "Cloudflare offers 41 fields, of which 39 will be sent" },
  { step: "jobs", state: "ok", sentence: "the dataset has no job yet" },
  { step: "destination", state: "ok", sentence: "Cloudflare's validation upload arrived" },
];
const LACKING = [STEPS[0], STEPS[1], { step: "permissions", state: "failed", sentence: "the token lacks `Zero Trust: PII Read` here (Cloudflare says: reading job for product 'gateway_dns' is not allowed): add it to the token" }];
const DIFFERENCES = [
  { aspect: "enabled", severity: "breaking", is: "enabled: false", wanted: "enabled: true", why: "the job is off: nothing is sent, and what is missed is not sent later", mended: true, needs_key: false },
  { aspect: "fields_missing", severity: "warning", is: "38 fields", wanted: "QueryID", why: "without the unique id, repeated records cannot be told apart", mended: true, needs_key: false },
  { aspect: "upload_interval", severity: "note", is: "max_upload_interval_seconds: 300", wanted: "max_upload_interval_seconds: 30", why: "alerts come later than they could", mended: true, needs_key: false },
];

function jobOf(intake, rest) {
  return { id: 100, scope: SCOPE, name: "tidegate-gateway-dns", dataset: "gateway_dns", format: "cloudflare-gateway-dns", intake, destination: DESTINATION, enabled: true, state: "healthy", last_complete: at(2), last_error: null, error_message: null, failing_since: null, lag_seconds: 95, warnings: [], estimate: ESTIMATE, checked_at: at(0.5), ...rest };
}
const FAILING = {
  id: 101, name: "office-paris", state: "failing", last_complete: at(140), last_error: at(1), error_message: "error uploading: x509: certificate has expired", failing_since: at(135), lag_seconds: 8_400,
  warnings: [{ kind: "failing", severity: "breaking", sentence: "uploads have failed for 2 hours (x509: certificate has expired)", advice: "renew the certificate and send its whole chain; Cloudflare switches the job off a day after it began to fail and does not send later what is missed", since: at(105) }],
};
const DRIFTED = { id: 102, name: "branch", state: "disabled", enabled: false, intake: null, estimate: null, warnings: [{ kind: "disabled", severity: "breaking", sentence: "the job is off: nothing is sent", advice: "switch it on: verify shows what to change", since: at(30) }, { kind: "drift", severity: "note", sentence: "Cloudflare offers new fields that this version does not read: EDEErrors", advice: "nothing: they are kept once the job sends them", since: at(3000) }] };

/** Answers these calls on this page in place of the server. `jobs` names those that are there: `healthy`, `failing`, `drifted`. */
export async function fakeLogpush(page, { intake, jobs = [], token = "good", tokenKnown = false } = {}) {
  const all = { healthy: jobOf(intake, {}), failing: jobOf(intake, FAILING), drifted: jobOf(intake, DRIFTED) };
  const there = jobs.map((name) => all[name]);
  const sent = [];
  await page.route(/\/api\/v1\/logpush\//, async (route) => {
    const request = route.request();
    const key = `${request.method()} ${new URL(request.url()).pathname.replace("/api/v1/logpush", "")}`;
    const body = request.postDataJSON?.() ?? undefined;
    sent.push({ key, body });
    const json = (value, status = 200) => route.fulfill({ status, contentType: "application/json", body: JSON.stringify(value) });
    const may = tokenKnown || body?.token === token;
    if (key === "GET /jobs") return json({ watching: there.length > 0, sentence: there.length > 0 ? "1 account is looked at every minute" : "no job is watched: set `token_file` and `accounts` in `[logpush]`", token_known: tokenKnown, scopes: tokenKnown ? [SCOPE] : [], public_url: "https://tidegate.example.com", checked_at: there.length > 0 ? at(0.5) : null, errors: [], jobs: there, estimate: there.length > 0 ? ESTIMATE : null });
    if (key === "GET /datasets") return json([{ name: "gateway_dns", format: "cloudflare-gateway-dns", level: "account", personal: true }, { name: "http_requests", format: "cloudflare-http-requests", level: "zone", personal: false }]);
    if (key === "POST /check") return json(may ? { ready: true, steps: STEPS, offered: 41, sent: Array.from({ length: 39 }, (_, i) => `Field${i}`) } : { ready: false, steps: LACKING, offered: 0, sent: [] });
    if (key === "POST /jobs" && !may) return json({ error: { code: "not_ready", message: LACKING[2].sentence } }, 409);
    if (key === "POST /jobs" && body.dry_run) return json({ ready: true, steps: STEPS, request: REQUEST, curl: CURL, job: null, intake, key: null });
    if (key === "POST /jobs") {
      there.push(jobOf(intake, { id: 103, state: "starting", last_complete: null, lag_seconds: null, estimate: null }));
      return json({ ready: true, steps: STEPS, request: REQUEST, curl: CURL, job: there.at(-1), intake, key: body.rotate_key ? "tgi_rotated" : null }, 201);
    }
    const [, id, act] = /^POST \/jobs\/(\d+)\/(verify|update)$/.exec(key) ?? [];
    const job = there.find((one) => String(one.id) === id);
    if (!job) return json({ error: { code: "not_found", message: "no such job" } }, 404);
    if (!may) return json({ error: { code: "no_token", message: "name a Cloudflare API token" } }, 400);
    if (act === "verify") return json({ job, differences: job.enabled ? [] : DIFFERENCES, update: job.enabled ? null : { request: { enabled: true, ...REQUEST.output_options }, curl: CURL.replace("jobs", `jobs/${id}`) }, seen: "s1" });
    if (body.seen !== "s1") return json({ error: { code: "changed", message: "someone else changed the job meanwhile: verify it again" } }, 409);
    Object.assign(job, { enabled: true, state: "healthy", warnings: [] });
    return json({ job, mended: DIFFERENCES, left: [], request: {}, key: null, changed: true });
  });
  return { sent };
}
