// TLS in front of a server without it, with the certificates of the contract's tests (crates/logpush/tests/support/tls).
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { fileURLToPath } from "node:url";

const file = (name) => fileURLToPath(new URL(`../../crates/logpush/tests/support/tls/${name}`, import.meta.url));
const pair = (certificate) => ({ cert: readFileSync(file(`${certificate}.pem`)), key: readFileSync(file("server.key")) });

/** The file with the authority that signed all of them. */
export const authority = file("ca.pem");

/** An address of this machine that nobody listens at. */
export async function freeAddress() {
  const server = http.createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return `127.0.0.1:${port}`;
}

/** Starts it. `target` is what it leads to, `show` changes the certificate: `good`, `expired` or `other_name`. */
export async function tlsFront() {
  const front = { target: undefined, passed: 0 };
  const server = https.createServer(pair("good"), (request, response) => {
    const to = new URL(front.target);
    const path = `${to.pathname.replace(/\/$/, "")}${request.url}`;
    const onward = http.request({ host: to.hostname, port: to.port, path, method: request.method, headers: { ...request.headers, host: to.host } }, (answer) => {
      if (answer.statusCode === 200) front.passed += 1;
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.writeHead(502).end());
    request.pipe(onward);
  });
  const open = (port) => new Promise((done) => server.listen(port, "127.0.0.1", done));
  await open(0);
  const { port } = server.address();
  return Object.assign(front, {
    url: `https://127.0.0.1:${port}`,
    show: (certificate) => server.setSecureContext(pair(certificate)),
    open: () => open(port),
    close: () => new Promise((done) => {
      server.close(done);
      server.closeAllConnections();
    }),
  });
}
