// Alerts and exceptions.
import assert from "node:assert/strict";
import { login } from "../browser.mjs";
import { api, beacon, settled, story, until } from "../kit.mjs";

story("alerts: from the overview down to the Cobalt Strike beacon's raw record", async ({ p, s }) => {
  await login(p, s.user, s.password);
  const wanted = await beacon(p);
  const domain = wanted.group["dns.question.registered_domain"];
  await p.reload();
  await p.getByRole("region", { name: "Open alerts" }).getByRole("link", { name: "All alerts" }).click();
  await p.waitForURL(/\/alerts/);
  await p.getByLabel("Words").fill(`Cobalt Strike DNS Beaconing ${domain}`);
  await p.keyboard.press("Enter");
  await p.getByText(/^1 match/).waitFor();
  await p.getByRole("link", { name: "Cobalt Strike DNS Beaconing" }).click();
  await p.getByRole("heading", { name: "Why it fired" }).waitFor();
  await p.getByRole("region", { name: "Why it fired" }).locator("mark").first().waitFor();
  await p.getByRole("img", { name: /Events of this alert over time/ }).waitFor();
  await p.getByRole("region", { name: "Events" }).getByRole("link", { name: /\d\d:\d\d:\d\d/ }).first().click();
  await p.waitForURL(/\/event\//);
  await p.getByRole("tab", { name: "Raw record" }).click();
  const record = JSON.parse(await p.locator("pre", { hasText: '"QueryName"' }).innerText());
  assert.ok(record.QueryName.replace(/\.$/, "").endsWith(domain), `${record.QueryName} is not below ${domain}`);
});

story("alerts: all events of an alert are as many as it says, and are shown by their search", async ({ p, s }) => {
  await login(p, s.user, s.password, "/alerts");
  const { alerts } = await until(p, "/alerts?status=&q=Bazar", (answer) => answer.alerts.some((one) => Date.now() - new Date(one.last_seen) > 120_000));
  const old = alerts.find((one) => Date.now() - new Date(one.last_seen) > 120_000);
  await p.goto(`/alerts/${old.id}`);
  await p.getByRole("link", { name: "All of them" }).click();
  await p.waitForURL(/\/events\?/);
  await settled(p);
  const found = Number((await p.locator(".facts strong").innerText()).replace(/\D/g, ""));
  assert.ok(found >= old.event_count, `${found} events are shown, ${old.event_count} are behind the alert`);
});

story("alerts: ten are closed with a comment", async ({ p, s }) => {
  await login(p, s.user, s.password);
  await until(p, "/alerts?status=pending&limit=1", (answer) => answer.total >= 12);
  await p.goto("/alerts?status=pending&sort=newest");
  const boxes = p.getByRole("checkbox", { name: /^Select alert \d+$/ });
  await boxes.nth(9).waitFor();
  const names = await boxes.evaluateAll((all) => all.slice(0, 10).map((one) => one.getAttribute("aria-label")));
  for (const name of names) await p.getByRole("checkbox", { name, exact: true }).check();
  const region = p.getByRole("region", { name: "Selected alerts" });
  await region.getByText("10 alerts selected").waitFor();
  await region.getByRole("button", { name: "Close", exact: true }).click();
  const dialog = p.getByRole("dialog");
  await dialog.getByLabel("Verdict").selectOption("benign");
  await dialog.getByLabel("Comment").fill("known scanner <b>of ours</b>");
  await dialog.getByRole("button", { name: "Close", exact: true }).last().click();
  await p.getByText("10 alerts closed").waitFor();
  for (const name of names) await p.getByRole("checkbox", { name, exact: true }).waitFor({ state: "detached" });
  for (const name of names) {
    const one = await api(p, "GET", `/alerts/${name.replace(/\D/g, "")}`);
    assert.equal(one.status, "closed", name);
    assert.equal(one.verdict, "benign", name);
    assert.ok(one.history.some((line) => line.comment === "known scanner <b>of ours</b>"), name);
  }
  await p.goto(`/alerts/${names[0].replace(/\D/g, "")}`);
  await p.getByRole("region", { name: "Timeline" }).getByText("known scanner <b>of ours</b>").waitFor();
});

story("alerts: of a thousand rows those in sight are drawn, and all can be reached and selected", async ({ p, s }) => {
  await login(p, s.user, s.password, "/settings/account");
  await until(p, "/alerts?status=&limit=1", (answer) => answer.total > 10);
  await p.route(/\/api\/v1\/alerts\?/, async (route) => {
    const answer = await (await route.fetch()).json();
    const alerts = Array.from({ length: 1000 }, (_, i) => ({ ...answer.alerts[i % answer.alerts.length], number: 9000 + i, id: `00000000-0000-4000-8000-${String(i).padStart(12, "0")}` }));
    await route.fulfill({ json: { ...answer, alerts, total: 1000, next: null } });
  });
  await p.goto("/alerts?status=");
  const row = (n) => p.locator(`tr[data-row="${n}"]`);
  await row(0).waitFor();
  const table = p.getByRole("region", { name: "Alerts", exact: true }).getByRole("table");
  assert.equal(await table.getAttribute("aria-rowcount"), "1001");
  const drawn = await p.locator("tr[data-row]").count();
  assert.ok(drawn < 80, `${drawn} rows are drawn`);
  for (let i = 0; i < 70; i++) await p.keyboard.press("j");
  const inSight = () => p.evaluate(() => { const { top, bottom } = document.querySelector("tr.current").getBoundingClientRect(); return top >= 0 && bottom <= innerHeight; });
  await p.waitForFunction(() => document.querySelector("tr.current")?.dataset.row === "70");
  assert.ok(await inSight(), "the row that j came to is out of sight");
  await p.locator("#content").evaluate((main) => main.scrollTo(0, main.scrollHeight));
  await row(999).waitFor();
  assert.equal(await row(999).getAttribute("aria-rowindex"), "1001");
  await p.keyboard.press("k");
  await p.waitForFunction(() => document.querySelector("tr.current")?.dataset.row === "69");
  assert.ok(await inSight(), "k does not lead back to where one was");
  await p.getByRole("checkbox", { name: "Select all that are shown" }).check();
  await p.getByRole("region", { name: "Selected alerts" }).getByText("1,000 alerts selected").waitFor();
  await p.locator("#content").evaluate((main) => main.scrollTo(0, main.scrollHeight));
  await row(999).getByRole("checkbox", { checked: true }).waitFor();
});

story("alerts: from one to the next by key", async ({ p, s }) => {
  await login(p, s.user, s.password, "/alerts?status=&sort=newest");
  const links = p.getByRole("region", { name: "Alerts" }).getByRole("row").locator(".what a");
  await links.nth(1).waitFor();
  await links.first().click();
  await p.waitForURL(/\/alerts\/[0-9a-f]+-/);
  const first = p.url();
  await p.locator("button:enabled", { hasText: "Next" }).waitFor();
  await p.keyboard.press("j");
  await p.waitForURL((url) => url.href !== first);
  await p.locator("button:enabled", { hasText: "Previous" }).waitFor();
  await p.keyboard.press("k");
  await p.waitForURL((url) => url.href === first);
});

story("alerts: one is taken, commented, and judged", async ({ p, s }) => {
  await login(p, s.user, s.password);
  const { alerts } = await until(p, "/alerts?status=pending&sort=newest&limit=1", (answer) => answer.alerts.length > 0);
  await p.goto(`/alerts/${alerts[0].id}`);
  await p.getByTitle("Assign (a)").click();
  await p.getByRole("dialog", { name: "Assign to" }).getByRole("button", { name: "me", exact: true }).click();
  await p.getByText(`#${alerts[0].number} is assigned to you`).waitFor();
  const said = `looked at it ${Date.now()}`;
  await p.getByLabel("Comment").fill(said);
  await p.getByRole("button", { name: "Comment", exact: true }).click();
  await p.getByRole("region", { name: "Timeline" }).getByText(said).waitFor();
  await p.getByLabel("Verdict").selectOption("true_positive");
  await p.getByRole("button", { name: "Work on" }).click();
  await p.getByRole("region", { name: "Timeline" }).getByText("pending → ongoing").waitFor();
  const now = await api(p, "GET", `/alerts/${alerts[0].id}`);
  assert.deepEqual([now.assignee, now.verdict, now.status], [s.user, "true_positive", "ongoing"]);
});

story("alerts: one is given to somebody else, several at once, and they find them; a viewer only sees it", async ({ p, s, another }) => {
  await login(p, s.user, s.password);
  const stamp = Date.now();
  const [berta, viktor, password] = [`berta${stamp}`, `viktor${stamp}`, "correct horse battery staple"];
  await api(p, "POST", "/users", { name: berta, password, role: "analyst" });
  await api(p, "POST", "/users", { name: viktor, password, role: "viewer" });
  await until(p, "/alerts?status=&limit=1", (answer) => answer.total >= 4);
  const { alerts } = await api(p, "GET", "/alerts?status=&sort=newest&limit=4");
  await p.goto(`/alerts/${alerts[0].id}`);
  await p.getByTitle("Assign (a)").waitFor();
  await p.keyboard.press("a");
  const menu = p.getByRole("dialog", { name: "Assign to" });
  await menu.getByRole("button", { name: berta }).waitFor();
  assert.equal(await menu.getByRole("button", { name: viktor }).count(), 0, "an alert could be given to a viewer");
  await p.keyboard.type(berta);
  await p.keyboard.press("Enter");
  await p.getByText(`#${alerts[0].number} is assigned to ${berta}`).waitFor();
  assert.ok(await p.evaluate(() => document.activeElement?.title === "Assign (a)"), "the focus is lost");
  await p.goto("/alerts?status=&sort=newest");
  for (const one of alerts.slice(1)) await p.getByRole("checkbox", { name: `Select alert ${one.number}`, exact: true }).check();
  await p.keyboard.press("a");
  await p.getByRole("dialog").getByLabel("To").selectOption(berta);
  await p.getByRole("dialog").getByRole("button", { name: "Assign", exact: true }).click();
  await p.getByText(`3 alerts assigned to ${berta}`).waitFor();
  const refused = await api(p, "POST", "/alerts/status", { ids: [alerts[0].id], assignee: viktor });
  assert.match(refused.error.message, new RegExp(viktor));
  const other = await another();
  await login(other, berta, password, "/alerts?status=");
  await other.getByLabel("Assignee").selectOption("assigned to me");
  await other.getByText("4 match", { exact: true }).waitFor();
  const viewer = await another();
  await login(viewer, viktor, password, `/alerts/${alerts[0].id}`);
  await viewer.getByText(`Assigned to ${berta}`).waitFor();
  assert.equal(await viewer.getByRole("combobox").count(), 0, "a viewer could change an alert");
});

story("alerts: an exception is written, its preview seen, and taken away again", async ({ p, s }) => {
  await login(p, s.user, s.password);
  const wanted = await beacon(p);
  await p.goto(`/alerts/${wanted.id}`);
  await p.getByRole("link", { name: "Except this…" }).click();
  const said = p.getByRole("status").filter({ hasText: "It would have hidden" });
  await said.waitFor();
  const [hidden, of] = (await said.innerText()).match(/[\d,]+/g).map((word) => Number(word.replace(/\D/g, "")));
  assert.ok(hidden >= 1 && of >= hidden, `${hidden} of ${of}`);
  await p.getByRole("link", { name: "Cobalt Strike DNS Beaconing" }).first().waitFor();
  assert.ok((await p.locator("form table").innerText()).includes(`#${wanted.number}`), "the alert itself is not among what it would have hidden");
  const name = `our own test ${Date.now()}`;
  await p.getByRole("textbox", { name: "Name" }).fill(name);
  await p.getByLabel("Reason").fill("red team");
  await p.getByLabel("Holds for").selectOption("7 days");
  await p.getByRole("button", { name: "Make the exception" }).click();
  const row = p.getByRole("row", { name: new RegExp(name) });
  await row.waitFor();
  const kept = (await api(p, "GET", "/alert-filters")).find((one) => one.name === name);
  assert.ok(kept.enabled && kept.query.includes(wanted.group["dns.question.registered_domain"]) && kept.expires, JSON.stringify(kept));
  await row.getByRole("button", { name: "Delete" }).click();
  await p.getByRole("button", { name: "Delete the exception" }).click();
  await row.waitFor({ state: "detached" });
});

story("alerts: all that match are changed at once, also those that are not shown", async ({ p, s }) => {
  await login(p, s.user, s.password);
  const before = await until(p, "/alerts?status=&sort=newest&limit=1", (answer) => answer.total > 100);
  const newest = before.alerts[0].number;
  await p.goto("/alerts?status=");
  await p.getByRole("checkbox", { name: "Select all that are shown" }).check();
  const region = p.getByRole("region", { name: "Selected alerts" });
  await region.getByText("100 alerts selected").waitFor();
  await region.getByRole("button", { name: /^select all \d+$/ }).click();
  await region.getByRole("button", { name: "Acknowledge", exact: true }).click();
  await p.getByRole("dialog").getByLabel("Comment").fill("shift begins");
  await p.getByRole("dialog").getByRole("button", { name: "Acknowledge", exact: true }).click();
  await p.getByText(/\d+ alerts acknowledged/).waitFor();
  const { alerts } = await api(p, "GET", "/alerts?status=pending&limit=1000");
  assert.deepEqual(alerts.filter((one) => one.number <= newest).map((one) => one.number), [], "alerts are left as they were");
});

story("alerts: a stretch is chosen in the chart, taken away by its badge, and the chart is hidden", async ({ p, s }) => {
  await login(p, s.user, s.password, "/alerts?status=");
  await until(p, "/alerts?status=&limit=1", (answer) => answer.total > 0);
  await p.getByRole("button", { name: "Refresh" }).click();
  const region = p.getByRole("region", { name: "Alerts over time" });
  const chart = region.getByRole("img", { name: /^Alerts over time: high up to \d+, medium up to \d+, low up to \d+/ });
  await chart.locator("canvas").waitFor();
  for (const level of ["high", "medium", "low"]) await region.getByRole("link", { name: level, exact: true }).waitFor();
  const box = await chart.boundingBox();
  await p.mouse.move(box.x + box.width * 0.5, box.y + 40);
  await p.mouse.down();
  await p.mouse.move(box.x + box.width - 12, box.y + 40, { steps: 4 });
  await p.mouse.up();
  await p.waitForURL(/from=.*to=/);
  const given = new URL(p.url()).searchParams;
  const { total } = await api(p, "GET", `/alerts?${given}&limit=1`);
  await p.getByText(`${total} match`, { exact: true }).waitFor();
  await p.getByRole("button", { name: /^Remove the filter \d{4}-/ }).click();
  await p.waitForURL((url) => !url.searchParams.has("from") && !url.searchParams.has("to"));
  await chart.waitFor();
  await p.keyboard.press("h");
  await chart.waitFor({ state: "detached" });
  await p.reload();
  await p.getByRole("button", { name: "Show the chart" }).click();
  await chart.waitFor();
  await p.keyboard.press("t");
  await p.keyboard.type("last 3 hours");
  await p.keyboard.press("Enter");
  await p.waitForURL(/from=now-3h/);
  await p.getByRole("button", { name: "Remove the filter Last 3 hours" }).waitFor();
});

story("alerts: worked through by key, several at once, and back where one was", async ({ p, s }) => {
  await login(p, s.user, s.password);
  await until(p, "/alerts?status=&limit=1", (answer) => answer.total >= 12);
  await p.goto("/alerts?status=&sort=newest");
  const row = (n) => p.locator(`tr[data-row="${n}"]`);
  await row(9).waitFor();
  await row(1).getByRole("checkbox").click();
  for (const key of ["j", "j", "j", "X"]) await p.keyboard.press(key);
  const selected = p.getByRole("region", { name: "Selected alerts" });
  await selected.getByText("4 alerts selected").waitFor();
  await row(6).getByRole("checkbox").click({ modifiers: ["Shift"] });
  await selected.getByText("6 alerts selected").waitFor();
  assert.equal(await p.getByRole("checkbox", { name: /^Select alert/, checked: true }).count(), 6);
  await p.keyboard.press("c");
  await p.waitForFunction(() => document.activeElement?.closest("dialog") && document.activeElement.tagName === "SELECT");
  await p.keyboard.press("Escape");
  await p.getByRole("dialog").waitFor({ state: "detached" });
  for (const key of ["j", "j", "Enter"]) await p.keyboard.press(key);
  await p.getByRole("heading", { name: "Why it fired" }).waitFor();
  const number = (await p.getByText(/^\/ #\d+$/).innerText()).replace(/\D/g, "");
  await p.keyboard.press("Escape");
  await p.locator("tr.current").filter({ hasText: `#${number} ` }).waitFor();
});

story("the keyboard keeps its place: after a dialog, after a link, and in a form that opens", async ({ p, s }) => {
  await login(p, s.user, s.password);
  await until(p, "/alerts?status=&limit=1", (answer) => answer.total >= 3);
  const focused = (test) => p.waitForFunction(test);
  await p.goto("/alerts?status=&sort=newest");
  await p.locator('tr[data-row="1"]').getByRole("checkbox").check();
  const opener = p.getByRole("button", { name: "Assign to…" });
  await opener.focus();
  await p.keyboard.press("Enter");
  await focused(() => document.activeElement?.closest("dialog")?.querySelector("select") === document.activeElement);
  await p.keyboard.press("Escape");
  await focused(() => document.activeElement?.textContent === "Assign to…");
  await p.evaluate(() => document.activeElement.blur());
  await p.keyboard.press("Escape");
  await p.getByRole("region", { name: "Selected alerts" }).waitFor({ state: "detached" });
  await p.locator('tr[data-row="1"] .what a').focus();
  await p.keyboard.press("Enter");
  await p.getByRole("heading", { name: "Why it fired" }).waitFor();
  await focused(() => document.activeElement?.id === "content");
  await p.goto("/alerts/exceptions");
  await p.getByRole("button", { name: "New exception" }).press("Enter");
  await focused(() => document.activeElement?.tagName === "SELECT");
  await p.getByRole("button", { name: "Cancel" }).press("Enter");
  await focused(() => document.activeElement?.textContent.trim() === "New exception");
});

story("alerts: nothing of a list is cut off at 1024 pixels", async ({ another, s }) => {
  const p = await another({ width: 1024, height: 768 });
  await login(p, s.user, s.password, "/settings/account");
  const wide = [];
  for (const path of ["/alerts?status=", "/alerts/exceptions", "/rules", "/intakes", "/intelligence", "/intelligence/feeds", "/settings/users", "/settings/audit", `/alerts/${(await beacon(p)).id}`]) {
    await p.goto(path);
    await p.locator(".panel").first().waitFor();
    await settled(p);
    wide.push(...(await p.locator("main, .panel, table.plain").evaluateAll((all, path) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => `${path}: ${one.tagName} ${one.ariaLabel ?? ""} ${one.scrollWidth} > ${one.clientWidth}`), path)));
  }
  assert.deepEqual(wide, []);
});

story("alerts: a domain's page shows those about names below it", async ({ p, s }) => {
  await login(p, s.user, s.password);
  const wanted = await beacon(p);
  await p.goto(`/domain/${wanted.group["dns.question.registered_domain"]}`);
  await p.getByRole("region", { name: "Alerts" }).getByRole("link", { name: "Cobalt Strike DNS Beaconing" }).click();
  await p.waitForURL(`**/alerts/${wanted.id}`);
  await p.getByRole("region", { name: "Facts" }).getByRole("button", { name: wanted.group["source.ip"] }).click();
  await p.getByRole("link", { name: "Alerts of it" }).click();
  await p.waitForURL(/\/alerts\?status=&source=/);
  await p.getByRole("link", { name: "Cobalt Strike DNS Beaconing" }).first().waitFor();
});
