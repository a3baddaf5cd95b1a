// Alerts and exceptions.
import assert from "node:assert/strict";
import { login } from "../browser.mjs";
import { settled, story } from "../kit.mjs";

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
