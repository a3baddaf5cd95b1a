// Hunting in events.
import assert from "node:assert/strict";
import { login } from "../browser.mjs";
import { ask, settled, story, total } from "../kit.mjs";

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

story("SQL: a statement, its rows, and a mistake at its place", async ({ p, s }) => {
  await login(p, s.user, s.password, "/sql?s=" + encodeURIComponent("SELECT count(*) AS n FROM events"));
  await p.getByRole("button", { name: "Run" }).click();
  await p.getByRole("columnheader", { name: "n" }).waitFor();
  await p.goto("/sql?s=" + encodeURIComponent("SELEC 1"));
  await p.getByRole("button", { name: "Run" }).click();
  await p.getByRole("alert").waitFor();
});
