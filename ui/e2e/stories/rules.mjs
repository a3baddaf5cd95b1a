// Rules.
import assert from "node:assert/strict";
import { login } from "../browser.mjs";
import { api, settled, story } from "../kit.mjs";

story("rules: from an event to a rule with a dry run, and away again", async ({ p, s }) => {
  await login(p, s.user, s.password, "/events?from=now-15m&q=dns.question.registered_domain%3Agoogle.com");
  await settled(p);
  await p.locator(".rows .line").first().locator(".time").click();
  await p.getByRole("button", { name: "Select dns.question.registered_domain", exact: true }).focus();
  await p.keyboard.press("Enter");
  await p.getByRole("button", { name: "Rule", exact: true }).click();
  await p.waitForURL(/\/rules\/new/);
  await p.getByText("The rule is right.").waitFor();
  await p.getByLabel("Past").selectOption("now-1h");
  await p.getByRole("button", { name: "Dry run" }).click();
  const run = p.getByRole("region", { name: "Dry run" });
  await run.getByText(/[\d,]+ findings/).waitFor({ timeout: 120_000 });
  assert.ok(Number((await run.locator("strong").innerText()).replace(/\D/g, "")) > 0, "the rule finds nothing, though it is made from an event");
  await run.getByText("google.com").first().waitFor();
  await p.getByRole("button", { name: "Save rule" }).click();
  await p.waitForURL(/\/rules\/[0-9a-f-]{36}/);
  const id = new URL(p.url()).pathname.split("/").pop();
  const made = await api(p, "GET", `/rules/${id}`);
  assert.equal(made.origin, "user");
  assert.match(made.yaml, /dns\.question\.registered_domain: "google\.com"/);
  await p.getByRole("button", { name: "Delete" }).click();
  await p.getByLabel(/to go on/).fill(made.name);
  await p.getByRole("button", { name: "Delete the rule" }).click();
  await p.waitForURL(/\/rules$/);
  assert.ok(!(await api(p, "GET", "/rules")).rules.some((one) => one.id === id));
});

story("rules: a mistake is named with its line while one writes", async ({ p, s }) => {
  await login(p, s.user, s.password, "/rules/new");
  await p.getByText("The rule is right.").waitFor();
  await p.getByLabel("Rule in YAML").click();
  await p.keyboard.press("Control+End");
  await p.keyboard.type("\ndetectoin: yes\ncorrelation: 3");
  await p.getByText(/^line \d+, column \d+: /).first().waitFor();
  assert.equal(await p.getByText("The rule is right.").count(), 0);
});

story("rules: the catalogue is filtered, a rule is switched and tuned, the matrix leads back", async ({ p, s }) => {
  await login(p, s.user, s.password, "/rules");
  await p.getByLabel("Words").fill("Cobalt Strike DNS Beaconing");
  await p.getByText("1 shown").waitFor();
  const lever = p.getByRole("switch", { name: "Cobalt Strike DNS Beaconing on" });
  assert.equal(await lever.getAttribute("aria-checked"), "true");
  await lever.click();
  await p.getByRole("switch", { name: "Cobalt Strike DNS Beaconing on", checked: false }).waitFor();
  await lever.click();
  await p.getByRole("switch", { name: "Cobalt Strike DNS Beaconing on", checked: true }).waitFor();
  await p.getByRole("link", { name: "Cobalt Strike DNS Beaconing" }).click();
  await p.getByRole("tab", { name: /Cases/ }).click();
  await p.getByRole("heading", { name: /Must fire \([1-9]/ }).waitFor();
  await p.goto("/rules/matrix");
  const cell = p.getByRole("link", { name: /T1071\.004/ }).first();
  await cell.waitFor();
  await cell.click();
  await p.waitForURL(/attack=T1071\.004/);
  await p.getByRole("link", { name: "Cobalt Strike DNS Beaconing" }).waitFor();
  const [saved] = await Promise.all([p.waitForEvent("download"), p.goto("/rules/matrix").then(() => p.getByRole("button", { name: "Navigator layer" }).click())]);
  assert.match(saved.suggestedFilename(), /navigator.*\.json$/);
});

story("rules: a setting that is refused says why and shows what holds; hits lead to the alerts", async ({ p, s }) => {
  await login(p, s.user, s.password);
  const { rules } = await api(p, "GET", "/rules");
  let rule;
  for (const one of rules.filter((one) => one.kind === "native")) {
    rule = await api(p, "GET", `/rules/${one.id}`);
    if (rule.settings.some((setting) => typeof setting.value === "number")) break;
  }
  const { key, value } = rule.settings.find((setting) => typeof setting.value === "number");
  await p.goto(`/rules/${rule.id}`);
  await p.getByRole("tab", { name: "Tuning" }).click();
  const field = p.getByLabel(key, { exact: true });
  await field.fill("many");
  await field.press("Tab");
  await p.getByText(`\`${key}\` must be`).first().waitFor();
  await p.waitForFunction(([key, value]) => document.querySelector(`input[aria-label="${key}"]`)?.value === value, [key, JSON.stringify(value)]);
  const hit = rules.find((one) => one.hits_7d > 0);
  await p.goto(`/rules/${hit.id}`);
  await p.getByRole("region", { name: "About" }).locator("dd a").first().click();
  await p.waitForURL((url) => url.pathname === "/alerts" && url.searchParams.get("rule") === hit.id);
});
