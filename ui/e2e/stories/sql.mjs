// The SQL console, and the colours of the editors.
import assert from "node:assert/strict";
import { login } from "../browser.mjs";
import { api, story } from "../kit.mjs";

const run = (p) => p.getByRole("button", { name: "Run", exact: true }).click();
const at = (statement) => "/sql?s=" + encodeURIComponent(statement);
/** The colour of a piece of the editor's text. */
const colourOf = (p, text) => p.locator(".cm-line span", { hasText: text }).first().evaluate((node) => getComputedStyle(node).color);

story("SQL: a statement, its rows, and a mistake at its place", async ({ p, s }) => {
  await login(p, s.user, s.password, "/sql?s=" + encodeURIComponent("SELECT count(*) AS n FROM events"));
  await p.getByRole("button", { name: "Run", exact: true }).click();
  await p.getByRole("columnheader", { name: "n" }).waitFor();
  await p.goto("/sql?s=" + encodeURIComponent("SELEC 1"));
  await p.getByRole("button", { name: "Run", exact: true }).click();
  await p.getByRole("alert").waitFor();
});

story("SQL: an unknown column is named at its place; many columns show those that hold something", async ({ p, s }) => {
  await login(p, s.user, s.password, at("SELECT dns.question.nam FROM events"));
  await run(p);
  await p.getByRole("alert").filter({ hasText: "There is no column `dns.question.nam`; did you mean `dns.question.name`?" }).waitFor();
  await p.locator(".cm-lintRange-error", { hasText: "dns.question.nam" }).waitFor();
  await p.goto(at("SELECT dns.question.nam -- evnts, dns.question.nam\nFROM evnts"));
  await run(p);
  await p.getByRole("alert").filter({ hasText: "There is no table `evnts`; did you mean `events`?" }).waitFor();
  assert.deepEqual(await p.locator(".cm-lintRange-error").allInnerTexts(), ["evnts"]);
  await p.goto(at("SELECT * FROM events WHERE @timestamp >= now() - interval '10 minutes' LIMIT 300"));
  await run(p);
  await p.getByRole("columnheader", { name: "dns.question.name", exact: true }).waitFor();
  const columns = await p.getByRole("columnheader").count();
  await p.getByLabel(/^show \d+ columns without a value$/).check();
  await p.waitForFunction((before) => document.querySelectorAll("th").length > before, columns);
});

story("SQL: a column under another name leads to its field", async ({ p, s }) => {
  await login(p, s.user, s.password, at("SELECT max(source.ip) AS client, upper(dns.question.type) AS kind FROM events GROUP BY 2 LIMIT 1"));
  await run(p);
  await p.getByRole("region", { name: "Result" }).getByRole("button").click();
  await p.getByRole("dialog", { name: "What to do with source.ip" }).getByRole("button", { name: "Filter for" }).click();
  await p.waitForURL(/\/events\?f=source\.ip%3D/);
});

story("editors colour SQL and YAML and spell out what hides", async ({ p, s }) => {
  await login(p, s.user, s.password, at("SELECT user.email FROM events -- a\u202eb"));
  await p.locator(".cm-line", { hasText: "a⟨RLO⟩b" }).waitFor();
  await p.goto("/events?q=" + encodeURIComponent('dns.qestion.name:"a\u202eb"'));
  await p.getByRole("textbox", { name: "Query" }).filter({ hasText: "a⟨RLO⟩b" }).waitFor();
  await p.goto(at("SELECT user.email FROM events -- a"));
  const [word, field, remark] = [await colourOf(p, "SELECT"), await colourOf(p, "user.email"), await colourOf(p, "--")];
  assert.equal(new Set([word, field, remark]).size, 3);
  const [rule] = (await api(p, "GET", "/rules")).rules.filter((one) => one.kind === "sigma");
  await p.goto(`/rules/${rule.id}`);
  const text = p.getByRole("textbox", { name: "Rule in YAML" });
  await text.waitFor();
  assert.notEqual(await colourOf(p, "title"), await text.evaluate((node) => getComputedStyle(node).color));
  const before = await text.innerText();
  await text.click();
  await p.keyboard.type("x");
  assert.equal(await text.innerText(), before);
});
