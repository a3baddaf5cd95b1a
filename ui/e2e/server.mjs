// The server that the stories are about: a running one, or a demo of its own.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Its address, a login, and a way to end it. */
export async function server() {
  if (process.env.TIDEGATE_URL) return { url: process.env.TIDEGATE_URL, user: process.env.TIDEGATE_USER ?? "admin", password: process.env.TIDEGATE_PASSWORD, stop: () => {} };
  const bin = process.env.TIDEGATE_BIN;
  if (!bin) throw new Error("set TIDEGATE_BIN, or TIDEGATE_URL with TIDEGATE_USER and TIDEGATE_PASSWORD");
  const data = mkdtempSync(join(tmpdir(), "tidegate-e2e-"));
  const child = spawn(bin, ["demo", "--data", data, "--listen", "127.0.0.1:0", "--rate", "50"], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const ready = await new Promise((done, fail) => {
    const read = (chunk) => {
      said += chunk;
      const url = /listening on (http:\S+)/.exec(said)?.[1];
      const found = /user `([^`]+)`, password `([^`]+)`/.exec(said);
      if (url && found) done({ url, user: found[1], password: found[2] });
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("exit", (code) => fail(new Error(`the server ended with ${code}:\n${said}`)));
    setTimeout(() => fail(new Error(`the server did not get ready:\n${said}`)), 120_000).unref();
  });
  return {
    ...ready,
    stop: async () => {
      child.kill("SIGTERM");
      await new Promise((done) => child.on("exit", done));
      rmSync(data, { recursive: true, force: true });
    },
  };
}
