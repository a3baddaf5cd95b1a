// The servers that the stories are about: a running one, a demo of its own, or an empty one with a configuration.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const READY_MS_MAX = 240_000;

/** Its address, a login, and a way to end it. */
export async function server() {
  if (process.env.TIDEGATE_URL) return { url: process.env.TIDEGATE_URL, user: process.env.TIDEGATE_USER ?? "admin", password: process.env.TIDEGATE_PASSWORD, stop: () => {} };
  return started((folder) => ["demo", "--data", folder, "--listen", "127.0.0.1:0", "--rate", "50"], { after: /records of the last 24 hours are in/ });
}

/** A server on an empty data directory. `configuration` gets a folder for files of its own and answers what stands in tidegate.toml. `environment` is added to ours; `listen` is needed where `public_url` is another address. */
export function configured(configuration, { environment = {}, listen = "127.0.0.1:0" } = {}) {
  return started((folder) => {
    writeFileSync(join(folder, "tidegate.toml"), configuration(folder));
    return ["serve", "--config", join(folder, "tidegate.toml"), "--data", join(folder, "data"), "--listen", listen];
  }, { environment, address: listen.endsWith(":0") ? undefined : `http://${listen}` });
}

async function started(argumentsIn, { environment = {}, address, after = /^/ } = {}) {
  const bin = process.env.TIDEGATE_BIN;
  if (!bin) throw new Error("set TIDEGATE_BIN, or TIDEGATE_URL with TIDEGATE_USER and TIDEGATE_PASSWORD");
  const folder = mkdtempSync(join(tmpdir(), "tidegate-e2e-"));
  const child = spawn(bin, argumentsIn(folder), { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...environment } });
  const ended = new Promise((done) => child.on("exit", done));
  let said = "";
  const ready = await new Promise((done, fail) => {
    const read = (chunk) => {
      said += chunk;
      const told = /listening on (https?:\S+)/.exec(said)?.[1];
      const url = told && (address ?? told);
      const found = /user `([^`]+)`, password `([^`]+)`/.exec(said);
      if (url && found && after.test(said)) done({ url, user: found[1], password: found[2] });
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("exit", (code) => fail(new Error(`the server ended with ${code}:\n${said}`)));
    setTimeout(() => fail(new Error(`the server did not get ready:\n${said}`)), READY_MS_MAX).unref();
  });
  return {
    ...ready,
    said: () => said,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
