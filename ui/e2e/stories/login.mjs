// The first login, and what each role is offered.
import assert from "node:assert/strict";
import { login } from "../browser.mjs";
import { api, settled, story } from "../kit.mjs";

story("first login: a wrong password says so, the right one opens the overview", async ({ p, s }) => {
  await p.goto("/");
  await p.getByLabel("User").fill(s.user);
  await p.getByLabel("Password").fill("certainly not the password");
  await p.getByRole("button", { name: "Log in" }).click();
  await p.getByRole("alert").filter({ hasText: "do not belong together" }).waitFor();
  await login(p, s.user, s.password);
  await p.getByRole("heading", { name: "Overview" }).waitFor();
  await settled(p);
  assert.match(await p.locator(".figure strong").first().innerText(), /\d/);
  assert.equal(await p.evaluate(() => document.cookie), "", "the session must be out of reach for scripts");
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
