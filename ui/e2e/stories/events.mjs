// Hunting in events.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { login } from "../browser.mjs";
import { ask, beacon, settled, story, total } from "../kit.mjs";

story("patterns: names of one generator are one line, and its filter finds them all", async ({ p, s }) => {
  await login(p, s.user, s.password);
  const one = await beacon(p);
  const domain = one.group["dns.question.registered_domain"];
  await p.goto(`/events?from=now-24h&tab=patterns&q=${encodeURIComponent(`dns.question.registered_domain:${domain}`)}`);
  const row = p.getByRole("table", { name: "Patterns" }).getByRole("row").filter({ hasText: "‹hex›" }).first();
  await row.waitFor();
  const [events, names] = [await row.getByRole("cell").nth(1).innerText(), await row.getByRole("cell").nth(3).innerText()].map((word) => Number(word.replace(/\D/g, "")));
  assert.ok(names > 1, "one shape should stand for several names");
  await row.getByRole("button", { name: /^Filter for/ }).click();
  await p.getByRole("tab", { name: "Events", exact: true }).click();
  await settled(p);
  assert.ok((await total(p)) >= events, `${await total(p)} found, ${events} counted`);
});

story("a search is saved for everyone, found again, and forgotten", async ({ p, s }) => {
  await login(p, s.user, s.password, "/events?from=now-1h&q=dns.response_code%3ANXDomain");
  await settled(p);
  const name = `nx ${Date.now()}`;
  await p.getByRole("button", { name: "Saved queries and history" }).click();
  await p.getByRole("textbox", { name: "Name" }).fill(name);
  await p.getByRole("button", { name: "Save", exact: true }).click();
  await p.getByRole("button", { name: new RegExp(name) }).first().waitFor();
  await p.keyboard.press("Escape");
  await p.goto("/events");
  await settled(p);
  await p.getByRole("button", { name: "Saved queries and history" }).click();
  await p.getByRole("tab", { name: /History [1-9]/ }).waitFor();
  await p.getByRole("button", { name: new RegExp(`^${name}`) }).click();
  await p.waitForURL(/NXDomain/);
  await p.getByRole("button", { name: "Saved queries and history" }).click();
  await p.getByRole("button", { name: `Delete ${name}` }).click();
  await p.getByRole("button", { name: `Delete ${name}` }).waitFor({ state: "detached" });
});

story("two events are compared, and all that match are exported", async ({ p, s }) => {
  await login(p, s.user, s.password, "/events?from=now-15m&q=dns.question.type%3ATXT");
  await settled(p);
  const count = await total(p);
  for (const i of [0, 1]) {
    await p.locator(".rows .line").nth(i).locator(".time").click();
    await p.getByRole("button", { name: "Mark for comparing" }).click();
  }
  await p.getByRole("button", { name: "Compare 2" }).click();
  await p.getByRole("dialog", { name: "Compare 2 events" }).getByRole("rowheader", { name: "event.id" }).waitFor();
  await p.keyboard.press("Escape");
  await p.getByRole("button", { name: "Export", exact: true }).click();
  const [file] = await Promise.all([p.waitForEvent("download"), p.getByRole("dialog").getByRole("button", { name: "Export", exact: true }).click()]);
  const lines = readFileSync(await file.path(), "utf8").trim().split("\n");
  assert.equal(lines.length, count);
  assert.equal(JSON.parse(lines[0]).dns.question.type, "TXT");
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
  await p.getByRole("button", { name: "Cancel", exact: true }).click();
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
  await p.getByRole("button", { name: "Live", exact: true }).click();
  await p.locator(".rows .line").first().waitFor();
  await p.getByRole("button", { name: "Pause", exact: true }).click();
  await p.getByText(/^Paused/).waitFor();
  await p.getByRole("button", { name: "Stop", exact: true }).click();
  await p.locator(".facts strong").waitFor();
});

story("SQL: a statement, its rows, and a mistake at its place", async ({ p, s }) => {
  await login(p, s.user, s.password, "/sql?s=" + encodeURIComponent("SELECT count(*) AS n FROM events"));
  await p.getByRole("button", { name: "Run", exact: true }).click();
  await p.getByRole("columnheader", { name: "n" }).waitFor();
  await p.goto("/sql?s=" + encodeURIComponent("SELEC 1"));
  await p.getByRole("button", { name: "Run", exact: true }).click();
  await p.getByRole("alert").waitFor();
});
