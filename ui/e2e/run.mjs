// Drives a real server with a real browser through the pages' main stories.
//   TIDEGATE_BIN=target/release/tidegate npm run test:e2e            starts a demo of its own
//   TIDEGATE_URL=… TIDEGATE_USER=… TIDEGATE_PASSWORD=… npm run test:e2e   uses a running one
// A server that was built without the pages is tried with ui/dist in front of it. `npm run test:e2e -- login` runs the
// stories whose name holds the word.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { launch, login, page as open } from "./browser.mjs";
import { fake } from "./fake.mjs";
import { serve } from "./serve.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const sh = promisify(execFile);

async function server() {
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

const stories = [];
const story = (name, run) => stories.push({ name, run });
const settled = (p) => p.waitForFunction(() => !document.querySelector(".spin") && !/Searching…/.test(document.body.innerText));
const total = async (p) => Number((await p.locator(".facts strong").innerText()).replace(/\D/g, ""));
const ask = async (p, query) => {
  // Not by select-all: Chromium then carries the colour of what is replaced over as an inline style, which the policy
  // blocks with a message of its own; the editor draws the line anew either way.
  const clear = p.getByRole("button", { name: "Clear the query" });
  if (await clear.isVisible()) await clear.click();
  await p.keyboard.press("Escape");
  await p.keyboard.press("q");
  await p.keyboard.type(query);
  await p.keyboard.press("Escape");
  await p.locator(".ask").getByRole("button", { name: "Search", exact: true }).click();
};
/** A session by the API, for what is not the story. */
const api = (p, method, path, body) =>
  p.evaluate(async ([method, path, body]) => {
    const { csrf } = await (await fetch("/api/v1/me")).json();
    const answer = await fetch("/api/v1" + path, { method, headers: { "Content-Type": "application/json", "X-Tidegate-CSRF": csrf }, body: body && JSON.stringify(body) });
    return answer.status === 204 ? undefined : answer.json();
  }, [method, path, body]);

story("first login: a wrong password says so, the right one opens the overview", async ({ p, s }) => {
  await p.goto("/");
  await p.getByLabel("User").fill(s.user);
  await p.getByLabel("Password").fill("certainly not the password");
  await p.getByRole("button", { name: "Log in" }).click();
  await p.getByRole("alert").filter({ hasText: "do not belong together" }).waitFor();
  await login(p, s.user, s.password);
  await p.getByRole("heading", { name: "Overview" }).waitFor();
  await settled(p);
  assert.match(await p.locator(".number strong").first().innerText(), /\d/);
  assert.equal(await p.evaluate(() => document.cookie), "", "the session must be out of reach for scripts");
});

story("from the overview down to a raw record", async ({ p, s }) => {
  await login(p, s.user, s.password);
  await p.getByRole("link", { name: /Blocked/ }).first().click();
  await p.waitForURL(/\/events\?/);
  await settled(p);
  await ask(p, "dns.question.name:*.* AND dns.question.type:TXT");
  await p.waitForURL(/q=dns\.question\.name/);
  await settled(p);
  assert.ok((await total(p)) > 0);
  await p.locator(".rows .line").first().locator(".time").click();
  await p.getByRole("tab", { name: "Raw record" }).click();
  await p.locator("pre", { hasText: '"QueryName"' }).waitFor();
  await p.getByRole("tab", { name: /Fields/ }).click();
  await p.getByRole("rowheader", { name: "dns.question.name", exact: true }).waitFor();
  await p.keyboard.press("Escape");
  await p.getByRole("region", { name: "Event", exact: true }).waitFor({ state: "detached" });
});

story("brush, filter out, add a column, share the address with a second browser", async ({ p, s, another }) => {
  await login(p, s.user, s.password, "/events?from=now-24h");
  await settled(p);
  await p.waitForFunction(() => document.querySelector(".chart canvas"));
  const before = await total(p);
  const box = await p.locator(".chart").first().boundingBox();
  await p.mouse.move(box.x + box.width * 0.3, box.y + 40);
  await p.mouse.down();
  await p.mouse.move(box.x + box.width * 0.97, box.y + 50, { steps: 5 });
  await p.mouse.up();
  await p.waitForURL(/from=20\d\d-/);
  await settled(p);
  const brushed = await total(p);
  assert.ok(brushed <= before && brushed > 0, `${brushed} of ${before}`);
  await p.getByRole("button", { name: "dns.response_code" }).first().click();
  await p.getByRole("button", { name: "Filter out NoError" }).click();
  await p.locator(".badge.not", { hasText: "dns.response_code: NoError" }).waitFor();
  await settled(p);
  const filtered = await total(p);
  assert.ok(filtered < brushed);
  await p.getByRole("button", { name: "Add source.ip as a column" }).click();
  await p.getByRole("columnheader", { name: /source\.ip/ }).waitFor();
  const second = await another();
  await login(second, s.user, s.password, new URL(p.url()).pathname + new URL(p.url()).search);
  await settled(second);
  await second.getByRole("columnheader", { name: /source\.ip/ }).waitFor();
  await second.locator(".badge.not").waitFor();
  assert.equal(await total(second), filtered);
});

story("a mistake in the query is shown at its place; a cancelled search is cancelled", async ({ p, s }) => {
  await login(p, s.user, s.password, "/events");
  await settled(p);
  await ask(p, "dns.qestion.name:x");
  await p.getByText("did you mean `dns.question.name`").first().waitFor();
  await ask(p, "");
  await settled(p);
  let release = () => {};
  const held = new Promise((done) => (release = done));
  await p.route("**/api/v1/events/search", async (route) => {
    await held;
    await route.continue().catch(() => undefined);
  });
  const failed = p.waitForEvent("requestfailed", (request) => request.url().endsWith("/events/search"));
  await p.locator(".ask").getByRole("button", { name: "Search", exact: true }).click();
  await p.getByRole("button", { name: "Cancel" }).click();
  await failed;
  release();
  await p.getByText("Cancelled", { exact: true }).waitFor();
});

story("keys: the sheet, the query line, rows, the time", async ({ p, s }) => {
  await login(p, s.user, s.password, "/events?from=now-24h");
  await settled(p);
  await p.keyboard.press("?");
  await p.getByRole("dialog", { name: "Keyboard" }).waitFor();
  await p.keyboard.press("Escape");
  await p.keyboard.press("j");
  await p.keyboard.press("Enter");
  await p.getByRole("region", { name: "Event", exact: true }).waitFor();
  await p.keyboard.press("Escape");
  await p.keyboard.press("t");
  await p.getByLabel("Type a time").fill("2 hours ago");
  await p.keyboard.press("Enter");
  await p.waitForURL(/from=now-2h/);
  await p.keyboard.press("g");
  await p.keyboard.press("n");
  await p.waitForURL(/\/intakes/);
});

story("live tail shows what comes in, pauses and stops", async ({ p, s }) => {
  await login(p, s.user, s.password, "/events");
  await settled(p);
  await p.getByRole("button", { name: "Live" }).click();
  await p.locator(".rows .line").first().waitFor();
  await p.getByRole("button", { name: "Pause" }).click();
  await p.getByText(/^Paused/).waitFor();
  await p.getByRole("button", { name: "Stop" }).click();
  await p.locator(".facts strong").waitFor();
});

story("create an intake, push a batch by the shown command; hostile names stay text", async ({ p, s, url }) => {
  await login(p, s.user, s.password, "/intakes/new");
  const name = `e2e-${Date.now()}`;
  await p.getByLabel("Name", { exact: true }).fill(name);
  await p.getByRole("button", { name: "Create intake" }).click();
  const key = await p.locator("[data-secret]").innerText();
  assert.match(key, /^tgi_/);
  const shown = await p.locator("pre", { hasText: "/plain/batch" }).last().innerText();
  const { stdout } = await sh("bash", ["-c", shown]);
  assert.match(stdout, /^HTTP\/1\.1 200/);
  const hostile = ["<img src=x onerror=window.pwned=1>.example", "evil\u202egnp.exe.example", "a\u200bb.example", "{@html}</script><script>window.pwned=1</script>.example"];
  const body = hostile.map((QueryName, i) => JSON.stringify({ Datetime: new Date().toISOString(), QueryID: `${name}-${i}`, QueryName, QueryTypeName: "A", RCode: 0, SrcIP: "192.0.2.1", Email: QueryName, ResolverDecision: "allowedOnNoPolicyMatch" })).join("\n");
  const pushed = await fetch(`${url}/plain/batch`, { method: "POST", headers: { "X-Tidegate-Intake-Key": key }, body });
  assert.equal(pushed.status, 200);
  await p.getByText(/events have come in/).waitFor();
  await p.goto(`/events?f=${encodeURIComponent(`tidegate.intake.name=${name}`)}&cols=dns.question.name,user.email,summary`);
  await settled(p);
  assert.equal(await total(p), hostile.length + 1);
  const table = await p.getByRole("table", { name: "Events" }).innerText();
  assert.ok(table.includes("<img src=x onerror=window.pwned=1>.example") && table.includes("⟨RLO⟩") && table.includes("⟨ZWSP⟩"), table);
  assert.ok(!table.includes("\u202e"));
  await p.locator(".rows .line", { hasText: "<img" }).first().locator(".time").click();
  for (const tab of ["Answers", "Raw record", "JSON", "Fields"]) await p.getByRole("tab", { name: new RegExp(tab) }).click();
  await p.getByRole("button", { name: "dns.question.name", exact: false }).first().click();
  await p.getByRole("tab", { name: "Aggregate" }).click();
  await settled(p);
  await p.goto(`/domain/${encodeURIComponent(hostile[0])}`);
  await settled(p);
  await p.goto(`/entity/user.email/${encodeURIComponent(hostile[3])}`);
  await settled(p);
  assert.equal(await p.evaluate(() => window.pwned), undefined);
  assert.equal(await p.locator("img").count(), 0);
});

story("rotate and delete an intake with what is lost named", async ({ p, s }) => {
  await login(p, s.user, s.password, "/intakes");
  const name = `gone-${Date.now()}`;
  const made = await api(p, "POST", "/intakes", { name, format: "cloudflare-gateway-dns" });
  await p.goto(`/intakes/${made.intake.id}`);
  await p.getByRole("button", { name: "Rotate key" }).click();
  await p.getByRole("button", { name: "Make a new key" }).click();
  assert.notEqual(await p.locator("dialog [data-secret]").innerText(), made.key);
  await p.keyboard.press("Escape");
  await p.getByRole("button", { name: "Delete" }).click();
  const go = p.getByRole("button", { name: "Delete the intake" });
  assert.ok(await go.isDisabled());
  await p.getByLabel(/to go on/).fill(name);
  await go.click();
  await p.waitForURL(/\/intakes$/);
  await p.getByRole("link", { name }).waitFor({ state: "detached" });
});

story("a viewer is offered nothing that the server would refuse", async ({ p, s, another }) => {
  await login(p, s.user, s.password, "/settings/users");
  const name = `viewer-${Date.now()}`;
  await api(p, "POST", "/users", { name, password: "a long enough password", role: "viewer" });
  const viewer = await another();
  await login(viewer, name, "a long enough password", "/intakes");
  await viewer.getByRole("heading", { name: "Intakes" }).waitFor();
  assert.equal(await viewer.getByRole("link", { name: "New intake" }).count(), 0);
  await viewer.goto("/settings/users");
  await viewer.getByText("This is for administrators").waitFor();
});

story("SQL: a statement, its rows, and a mistake at its place", async ({ p, s }) => {
  await login(p, s.user, s.password, "/sql?s=" + encodeURIComponent("SELECT count(*) AS n FROM events"));
  await p.getByRole("button", { name: "Run" }).click();
  await p.getByRole("columnheader", { name: "n" }).waitFor();
  await p.goto("/sql?s=" + encodeURIComponent("SELEC 1"));
  await p.getByRole("button", { name: "Run" }).click();
  await p.getByRole("alert").waitFor();
});

story("alerts: close ten with a comment, write an exception and see its preview", async ({ p, s }) => {
  const { sent } = await fake(p);
  await login(p, s.user, s.password, "/alerts");
  await p.getByRole("checkbox", { name: "Select alert 10", exact: true }).waitFor();
  for (let i = 1; i <= 10; i++) await p.getByRole("checkbox", { name: `Select alert ${i}`, exact: true }).check();
  await p.getByRole("region", { name: "Selected alerts" }).getByRole("button", { name: "Close", exact: true }).click();
  await p.getByLabel("Comment").fill("known scanner");
  await p.getByRole("dialog").getByRole("button", { name: "Close", exact: true }).last().click();
  await p.getByText("20 match").waitFor();
  const change = sent.find((one) => one.key === "POST /alerts/status");
  assert.equal(change.body.ids.length, 10);
  assert.equal(change.body.comment, "known scanner");
  await p.getByRole("link", { name: "Cobalt Strike DNS beaconing" }).first().click();
  await p.getByRole("heading", { name: "Why it fired" }).waitFor();
  await p.getByRole("link", { name: "Except this…" }).click();
  await p.getByText(/It would have hidden/).waitFor();
  await p.getByLabel("Name").fill("scanner");
  await p.getByLabel("Reason").fill("our own scanner");
  await p.getByRole("button", { name: "Make the exception" }).click();
  await p.getByRole("cell", { name: "scanner", exact: true }).waitFor();
});

story("rules: from an event to a rule with a dry run", async ({ p, s }) => {
  const { sent } = await fake(p);
  await login(p, s.user, s.password, "/events?from=now-24h");
  await settled(p);
  await p.locator(".rows .line").first().locator(".time").click();
  await p.getByRole("button", { name: "Select dns.question.name", exact: true }).focus();
  await p.keyboard.press("Enter");
  await p.getByRole("button", { name: "Rule", exact: true }).click();
  await p.waitForURL(/\/rules\/new/);
  await p.getByText("The rule is right.").waitFor();
  await p.getByRole("button", { name: "Dry run" }).click();
  await p.getByText("2 findings").waitFor();
  await p.getByRole("button", { name: "Save rule" }).click();
  await p.waitForURL(/\/rules\/1111/);
  assert.match(sent.find((one) => one.key === "POST /rules").body.yaml, /dns\.question\.name: "/);
});

story("intelligence: import with a preview, then watch the retrohunt", async ({ p, s }) => {
  await fake(p);
  await login(p, s.user, s.password, "/intelligence/import");
  await p.getByLabel(/Paste a STIX/).fill("evil[.]example\nhxxp://bad[.]example/x");
  await p.getByRole("button", { name: "Preview" }).click();
  await p.getByText("2 new").waitFor();
  await p.getByRole("button", { name: /Import 2/ }).click();
  await p.getByRole("link", { name: /looked up in the past/ }).click();
  await p.getByRole("region", { name: "Retrohunt", exact: true }).getByText("evil.example").waitFor();
});

const PAGES = ["/", "/events?from=now-24h", "/events?from=now-24h&tab=aggregate", "/alerts", "/rules", "/rules/matrix", "/rules/new", "/intelligence", "/intelligence/import", "/intakes", "/intakes/new", "/sql", "/settings/account", "/settings/server", "/settings/users", "/settings/audit", "/settings/lookups", "/domain/google.com", "/entity/source.ip/192.0.2.81"];
for (const scheme of ["light", "dark"]) {
  story(`every page is clean for axe, ${scheme}`, async ({ another, s }) => {
    const p = await another({ scheme });
    await fake(p);
    await login(p, s.user, s.password);
    const wrong = [];
    for (const path of PAGES) {
      await p.goto(path);
      await p.waitForTimeout(300);
      await settled(p);
      if (path.startsWith("/events?from=now-24h") && !path.includes("tab=")) {
        await p.locator(".rows .line").nth(1).locator(".time").click();
        await p.getByRole("rowheader").first().waitFor();
      }
      await p.evaluate(AXE);
      const { violations } = await p.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
      for (const one of violations) wrong.push(`${path}: ${one.id} (${one.impact}) ${one.nodes.length}x ${one.nodes[0].target.join(" ")} ${one.nodes[0].failureSummary?.split("\n")[1] ?? ""}`);
    }
    assert.deepEqual(wrong, []);
  });
}

const s = await server();
const pagesAreBuiltIn = (await (await fetch(s.url, { headers: { accept: "text/html" } })).text()).includes('id="app"');
const front = pagesAreBuiltIn && !process.env.E2E_DIST ? { url: s.url, close: () => {} } : await serve(s.url);
console.log(`${front.url} (${pagesAreBuiltIn ? "pages of the binary" : "ui/dist in front of the binary"})`);
const browser = await launch();
const wanted = process.argv.slice(2).join(" ").toLowerCase();
let failed = 0;
for (const { name, run } of stories.filter((one) => one.name.toLowerCase().includes(wanted))) {
  const started = Date.now();
  const contexts = [];
  const allErrors = [];
  const another = async (options) => {
    const made = await open(browser, front.url, options);
    contexts.push(made.context);
    allErrors.push(made.errors);
    return made.page;
  };
  try {
    const p = await another();
    await run({ p, s, another, url: front.url });
    assert.deepEqual(allErrors.flat(), [], "the browser reported errors");
    console.log(`ok    ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  } catch (cause) {
    failed += 1;
    console.log(`FAIL  ${name}\n      ${String(cause.message ?? cause).split("\n").slice(0, 60).join("\n      ")}`);
    const shot = process.env.E2E_SHOTS;
    if (shot) await contexts.at(-1)?.pages()[0]?.screenshot({ path: join(shot, `${name.replace(/\W+/g, "-").slice(0, 60)}.png`) }).catch(() => undefined);
  }
  for (const context of contexts) await context.close();
}
await browser.close();
front.close();
await s.stop();
console.log(failed === 0 ? "all stories pass" : `${failed} stories fail`);
process.exit(failed === 0 ? 0 : 1);
