// TLS in front of a server without it, with the certificates of the contract's tests (crates/logpush/tests/support/tls).
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { fileURLToPath } from "node:url";

const file = (name) => fileURLToPath(new URL(`../../crates/logpush/tests/support/tls/${name}`, import.meta.url));

/** The file with the authority that signed all of them. */
export const authority = file("ca.pem");

/** Starts it with a certificate: `good`, `expired` or `other_name`. A path in `target` stands before every path. */
export async function tlsFront(certificate, target) {
  const to = new URL(target);
  let passed = 0;
  const server = https.createServer({ cert: readFileSync(file(`${certificate}.pem`)), key: readFileSync(file("server.key")) }, (request, response) => {
    passed += 1;
    const path = `${to.pathname.replace(/\/$/, "")}${request.url}`;
    const onward = http.request({ host: to.hostname, port: to.port, path, method: request.method, headers: { ...request.headers, host: to.host } }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.writeHead(502).end());
    request.pipe(onward);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `https://127.0.0.1:${server.address().port}`,
    passed: () => passed,
    close: () => new Promise((done) => {
      server.close(done);
      server.closeAllConnections();
    }),
  };
}
