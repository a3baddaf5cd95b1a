// Rules.
import assert from "node:assert/strict";
import { login } from "../browser.mjs";
import { settled, story } from "../kit.mjs";

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
