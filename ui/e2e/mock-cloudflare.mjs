// As much of the Cloudflare API as the watch, a check, a job, a comparison and an update need, written from its documentation
// (https://developers.cloudflare.com/api/resources/logpush/). The full one, with the published schema, is in
// crates/logpush/tests/support; this one is for the pages.
import http from "node:http";
import { gzipSync } from "node:zlib";

export const ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353";
export const TOKEN = "cf_test_0123456789abcdef";
const FIELDS = ["Datetime", "QueryID", "QueryName", "QueryTypeName", "RCode", "ResolverDecision", "SrcIP", "Email"];
const DEFAULTS = { output_type: "ndjson", batch_prefix: "", batch_suffix: "", record_prefix: "{", record_suffix: "}\n", record_delimiter: "", field_delimiter: ",", sample_rate: 1, timestamp_format: "unixnano", "CVE-2021-44228": false };
const JOB = { dataset: "http_requests", enabled: false, kind: "", filter: "", frequency: "high", name: "", logpull_options: null, max_upload_bytes: 0, max_upload_records: 0, max_upload_interval_seconds: 0, output_options: null, last_complete: null, last_error: null, error_message: null };

/** Starts it. `jobs`, `fields` and `readsPersonal` are what it knows and may be changed; `reach` says where a destination really is. */
export async function mockCloudflare() {
  const cloud = { jobs: [], fields: [...FIELDS], readsPersonal: true, calls: [], reach: undefined, nextId: 100 };
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { pathname } = new URL(request.url, "http://x");
    const text = Buffer.concat(chunks).toString();
    cloud.calls.push(`${request.method} ${pathname}`);
    const { status, body } = await answer(cloud, request, pathname.replace("/client/v4/", "").split("/"), text === "" ? {} : JSON.parse(text));
    response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(JSON.stringify(body));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return Object.assign(cloud, { url: `http://127.0.0.1:${server.address().port}`, close: () => new Promise((done) => { server.close(done); server.closeAllConnections(); }) });
}

const ok = (result, more = {}) => ({ status: 200, body: { success: true, errors: [], messages: [], result, ...more } });
const refused = (status, code, message) => ({ status, body: { success: false, errors: [{ code, message }], messages: [], result: null } });

async function answer(cloud, request, [level, id, what, ...rest], body) {
  if (request.headers.authorization !== `Bearer ${TOKEN}`) return level === "user" ? refused(401, 1000, "Invalid API Token") : refused(403, 10000, "Authentication error");
  if (level === "user") return id === "tokens" && what === "verify" ? ok({ id: "ed17574386854bf78a67040be0a770b0", status: "active" }) : refused(403, 9109, "Unauthorized to access requested resource");
  if (level !== "accounts" || id !== ACCOUNT || what !== "logpush") return refused(403, 10000, "Authentication error");
  const call = `${request.method} ${rest.join("/")}`;
  const dataset = /^GET datasets\/(\w+)/.exec(call)?.[1] ?? (call === "POST jobs" ? body.dataset : undefined);
  if (dataset === "gateway_dns" && !cloud.readsPersonal) return refused(403, 1004, `reading job for product '${dataset}' is not allowed`);
  if (/^GET (datasets\/\w+\/)?jobs$/.test(call)) {
    const list = cloud.jobs.filter((job) => !dataset || job.dataset === dataset);
    return ok(list, { result_info: { page: 1, per_page: 50, count: list.length, total_count: list.length, total_pages: 1 } });
  }
  if (/^GET datasets\/\w+\/fields$/.test(call)) return ok(Object.fromEntries(cloud.fields.map((name) => [name, "string"])));
  if (call === "POST validate/destination") return ok(await upload(cloud, body.destination_conf).then((why) => ({ valid: why === "", message: why })));
  if (call === "POST validate/destination/exists") return ok({ exists: cloud.jobs.some((job) => job.destination_conf === body.destination_conf) });
  if (call === "POST jobs") {
    const why = await upload(cloud, body.destination_conf);
    if (why !== "") return refused(400, 1002, `error validating destination: ${why}`);
    const job = { ...JOB, ...body, output_options: { ...DEFAULTS, ...body.output_options }, id: cloud.nextId };
    cloud.nextId += 1;
    cloud.jobs.push(job);
    return ok(job);
  }
  const job = cloud.jobs.find((one) => `${one.id}` === /^(?:GET|PUT) jobs\/(\d+)$/.exec(call)?.[1]);
  if (!job) return refused(404, 1001, "job not found");
  if (request.method === "PUT") Object.assign(job, body, body.output_options ? { output_options: { ...DEFAULTS, ...body.output_options } } : {});
  return ok(job);
}

/** Sends as Logpush does: parameters of the destination become headers, the body is gzip. */
export async function deliver(cloud, destination, text) {
  const to = new URL(destination);
  const headers = { "content-encoding": "gzip" };
  for (const [name, value] of to.searchParams) headers[name.replace(/^header_/, "")] = value;
  return fetch(cloud.reach + to.pathname, { method: "POST", headers, body: gzipSync(text) });
}

/** The validation upload; why it failed, or nothing. */
async function upload(cloud, destination) {
  const { status } = await deliver(cloud, destination, '{"content":"tests"}');
  return status >= 200 && status < 300 ? "" : `error writing object: error uploading: status code ${status}`;
}
