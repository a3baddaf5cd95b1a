// Intelligence.
import assert from "node:assert/strict";
import { login } from "../browser.mjs";
import { api, settled, story, total, until } from "../kit.mjs";

story("intelligence: import with a preview, watch the retrohunt, see its events", async ({ p, s }) => {
  await login(p, s.user, s.password);
  const { alerts } = await until(p, "/alerts?status=&sort=newest&limit=200", (answer) => answer.alerts.some((one) => one.group["dns.question.registered_domain"]));
  let seen;
  for (const domain of new Set(alerts.map((one) => one.group["dns.question.registered_domain"]).filter(Boolean))) {
    if ((await api(p, "GET", `/indicators?q=${domain}`)).total === 0) { seen = domain; break; }
  }
  assert.ok(seen, "no domain of an alert is left to import");
  const unseen = `never-${Date.now()}.example`;
  await p.goto("/intelligence/import");
  await p.getByLabel(/Paste a STIX/).fill(`${seen.replaceAll(".", "[.]")}\nhxxp://${unseen.replace(".", "[.]")}/x\ngoogle.com\nnot an indicator at all`);
  await p.getByLabel("Collection").fill("e2e");
  await p.getByLabel("Tags").fill("test, case-1");
  await p.getByRole("button", { name: "Preview" }).click();
  const preview = p.getByRole("region", { name: "Preview" });
  await preview.getByText("2 new").waitFor();
  await preview.getByText("1 benign, left out").waitFor();
  await preview.getByText("google.com").waitFor();
  assert.equal((await api(p, "GET", `/indicators?q=${seen}`)).total, 0, "the preview kept something");
  await p.getByRole("button", { name: "Import 2" }).click();
  await p.getByRole("link", { name: /looked up in the past/ }).click();
  const hunt = p.getByRole("region", { name: "Retrohunt", exact: true });
  await hunt.getByText("done").waitFor({ timeout: 120_000 });
  await hunt.getByText(seen).waitFor();
  assert.equal(await hunt.getByText(unseen).count(), 0);
  await hunt.getByRole("link", { name: "events" }).first().click();
  await p.waitForURL(/\/events\?/);
  await settled(p);
  assert.ok((await total(p)) > 0);
  await p.goto(`/intelligence/indicators?q=${unseen}`);
  await p.getByText("1 match").waitFor();
  await p.getByRole("button", { name: `Delete ${unseen}` }).click();
  await p.getByRole("button", { name: "Delete", exact: true }).last().click();
  await p.getByText("No indicator matches").waitFor();
});

story("intelligence: a collection is switched off, on, and deleted with what is lost named", async ({ p, s }) => {
  await login(p, s.user, s.password);
  const name = `off-${Date.now()}`;
  await api(p, "POST", "/indicators/import", { text: `a-${name}.example\nb-${name}.example`, format: "text", collection: name, tags: [], dry_run: false });
  const collection = async () => (await api(p, "GET", "/collections")).find((one) => one.name === name);
  await p.goto("/intelligence/indicators");
  const row = p.getByRole("region", { name: "Collections" }).getByRole("row", { name: new RegExp(name) });
  await row.getByRole("button", { name: `Switch off ${name}` }).click();
  await row.getByText("off", { exact: true }).waitFor();
  assert.equal((await collection()).enabled, false);
  await row.getByRole("button", { name: `Switch on ${name}` }).click();
  await row.getByText("on", { exact: true }).waitFor();
  assert.equal((await collection()).enabled, true);
  await row.getByRole("button", { name: `Delete the collection ${name}` }).click();
  const dialog = p.getByRole("dialog");
  await dialog.getByText(/the collection with all 2 indicators/).waitFor();
  const go = dialog.getByRole("button", { name: "Delete the collection" });
  assert.ok(await go.isDisabled(), "its name is to be typed first");
  await dialog.getByLabel(/to go on/).fill(name);
  await go.click();
  await row.waitFor({ state: "detached" });
  assert.equal(await collection(), undefined);
  assert.equal((await api(p, "GET", `/indicators?q=${name}`)).total, 0);
});
