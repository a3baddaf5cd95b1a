// Intakes: making one, a batch by the shown command, rotating, deleting.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { login } from "../browser.mjs";
import { api, settled, story, total, until } from "../kit.mjs";

const sh = promisify(execFile);

story("create an intake, push a batch by the shown command; hostile names stay text", async ({ p, s, url }) => {
  await login(p, s.user, s.password, "/intakes/new");
  const name = `e2e-${Date.now()}`;
  await p.getByLabel("Name", { exact: true }).fill(name);
  await p.getByRole("button", { name: "Create intake" }).click();
  const key = await p.locator("[data-secret]").innerText();
  assert.match(key, /^tgi_/);
  const tried = p.getByRole("region", { name: "Try it" });
  const { stdout } = await sh("sh", ["-c", await tried.locator("pre").innerText()]);
  assert.match(stdout, /^HTTP\/1\.1 200/);
  await tried.getByText("1 event has come in").waitFor();
  const [seen] = await Promise.all([p.context().waitForEvent("page"), tried.getByRole("link", { name: "Look at it" }).click({ modifiers: ["ControlOrMeta"] })]);
  await seen.getByText("first.test.example").first().waitFor();
  await seen.close();
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

story("an intake's limits are set, and one that falls silent is marked everywhere", async ({ p, s, url }) => {
  await login(p, s.user, s.password, "/intakes");
  const name = `silent-${Date.now()}`;
  const { intake, key } = await api(p, "POST", "/intakes", { name, format: "cloudflare-gateway-dns" });
  const body = JSON.stringify({ Datetime: new Date(Date.now() - 7_200_000).toISOString(), QueryID: name, QueryName: "old.example", QueryTypeName: "A", RCode: 0, SrcIP: "192.0.2.1", ResolverDecision: "allowedOnNoPolicyMatch" });
  assert.equal((await fetch(`${url}/plain/batch`, { method: "POST", headers: { "X-Tidegate-Intake-Key": key }, body })).status, 200);
  await until(p, `/intakes/${intake.id}`, (one) => one.counts.batches === 1);
  await p.goto(`/intakes/${intake.id}`);
  const watch = p.getByRole("region", { name: "Watch" });
  const silence = watch.getByLabel(/^Silent/);
  const late = watch.getByLabel(/^Late/);
  assert.deepEqual([await silence.inputValue(), await late.inputValue()], ["3600", "3600"], "what a new intake is watched with");
  const set = watch.getByRole("button", { name: "Set the limits" });
  assert.ok(await set.isDisabled(), "nothing is changed yet");
  await silence.selectOption({ label: "not watched" });
  await late.selectOption({ label: "1 day" });
  await set.click();
  const limits = ({ watch: { silence_seconds = null, lag_seconds = null } }) => JSON.stringify([silence_seconds, lag_seconds]);
  await until(p, `/intakes/${intake.id}`, (one) => limits(one) === "[null,86400]");
  // A minute is the least that the server takes, and not in the list; what is set is shown all the same.
  await api(p, "PATCH", `/intakes/${intake.id}`, { silence_seconds: 60, lag_seconds: 3600 });
  await until(p, `/intakes/${intake.id}`, (one) => one.watch.silent_since, 240);
  await p.goto(`/intakes/${intake.id}`);
  await watch.getByText(/silent since/).waitFor();
  assert.equal(await silence.inputValue(), "60");
  await p.getByRole("status").getByText(/^No batch for/).waitFor();
  await p.goto("/intakes");
  await p.getByRole("region", { name: "Intakes" }).getByRole("row", { name: new RegExp(name) }).getByText("silent", { exact: true }).waitFor();
  await p.goto("/");
  await p.getByRole("region", { name: "Intakes" }).getByRole("listitem").filter({ hasText: name }).getByText("silent", { exact: true }).waitFor();
  await api(p, "DELETE", `/intakes/${intake.id}`);
});
