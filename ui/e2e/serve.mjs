// Serves ui/dist as the binary does (same policy, same fallback), and passes everything else to a running server.
// For trying the built pages with a binary that was built without them: TIDEGATE_URL=http://127.0.0.1:8080 node e2e/serve.mjs
import { readFile } from "node:fs/promises";
import http from "node:http";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };
const DIST = fileURLToPath(new URL("../dist", import.meta.url));

/** Starts it; the answer is the address and a way to stop. */
export async function serve(target, port = 0) {
  const upstream = new URL(target);
  const server = http.createServer(async (request, response) => {
    const path = new URL(request.url, "http://x").pathname;
    const wantsPage = request.method === "GET" && (request.headers.accept ?? "").includes("text/html") && !path.startsWith("/api/");
    const name = /^\/assets\/[\w.-]+$/.test(path) ? path : wantsPage ? "/index.html" : undefined;
    if (name) {
      try {
        const body = await readFile(DIST + name);
        response.writeHead(200, { "content-type": TYPES[extname(name)] ?? "application/octet-stream", "content-security-policy": POLICY, "x-content-type-options": "nosniff" });
        return response.end(body);
      } catch {
        return response.writeHead(404).end();
      }
    }
    const headers = { ...request.headers, host: upstream.host };
    if (headers.origin) headers.origin = upstream.origin;
    const onward = http.request({ host: upstream.hostname, port: upstream.port, path: request.url, method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.headersSent ? response.destroy() : response.writeHead(502).end());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise((done) => server.listen(port, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serve(process.env.TIDEGATE_URL ?? "http://127.0.0.1:8080", Number(process.env.PORT ?? 0));
  console.log(url);
}
