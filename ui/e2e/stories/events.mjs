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
  const rows = p.getByRole("table", { name: "Patterns" }).getByRole("row").filter({ hasText: "‹hex›" });
  await rows.first().waitFor();
  const numbers = await rows.evaluateAll((all) => all.map((one) => [1, 3].map((at) => Number(one.cells[at].innerText.replace(/\D/g, "")))));
  const at = numbers.findIndex(([, names]) => names > 1);
  assert.ok(at >= 0, "one shape should stand for several names");
  const [row, events] = [rows.nth(at), numbers[at][0]];
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
  // A past that nothing is added to any more.
  await login(p, s.user, s.password, "/events?from=now-3h&to=now-1h&q=dns.question.type%3ATXT");
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

story("live tail: what was asked before the query changed is not shown", async ({ p, s }) => {
  await login(p, s.user, s.password, "/events");
  await settled(p);
  let release;
  const held = new Promise((done) => (release = done));
  await p.route("**/api/v1/events/search", async (route) => {
    await held;
    await route.continue().catch(() => undefined);
  }, { times: 1 });
  await Promise.all([p.waitForRequest("**/api/v1/events/search"), p.getByRole("button", { name: "Live", exact: true }).click()]);
  const cancelled = p.waitForEvent("requestfailed", (request) => request.url().endsWith("/events/search"));
  await ask(p, "dns.question.type:TXT");
  await cancelled;
  release();
  await p.getByRole("button", { name: "Stop", exact: true }).click();
  await p.locator(".facts strong").waitFor();
});

story("a page of rows that did not come can be asked for again", async ({ p, s }) => {
  await login(p, s.user, s.password, "/events?from=now-24h");
  await settled(p);
  const table = p.getByRole("table", { name: "Events" });
  const toTheEnd = () => table.evaluate((node) => node.scrollTo(0, node.scrollHeight));
  await p.route("**/api/v1/events/search", (route) => route.fulfill({ status: 503, contentType: "application/json", body: JSON.stringify({ error: { code: "busy", message: "too many queries are running" } }) }), { times: 1 });
  await toTheEnd();
  await table.getByRole("alert").filter({ hasText: "Too many queries are running" }).waitFor();
  const before = Number(await table.getAttribute("aria-rowcount"));
  await table.getByRole("button", { name: "Load more" }).click();
  await p.waitForFunction((before) => Number(document.querySelector(".rows")?.getAttribute("aria-rowcount")) > before, before);
});

story("the query line takes a field and a value by keyboard alone; Enter searches, a suggestion is taken only when marked", async ({ p, s }) => {
  await login(p, s.user, s.password, "/events?from=now-24h");
  await settled(p);
  await p.keyboard.press("q");
  await p.keyboard.type("response_c");
  const options = p.getByRole("listbox", { name: "Completions" }).getByRole("option");
  await options.filter({ hasText: "dns.response_code" }).waitFor();
  await p.keyboard.press("Tab");
  await options.filter({ hasText: "NXDomain" }).waitFor();
  await p.keyboard.type("NX");
  await options.filter({ hasText: "NoError" }).waitFor({ state: "detached" });
  await options.filter({ hasText: "NXDomain" }).waitFor();
  await p.keyboard.press("ArrowDown");
  await p.keyboard.press("Enter");
  await p.getByRole("textbox", { name: "Query" }).filter({ hasText: /^dns\.response_code:NXDomain$/ }).waitFor();
  await p.keyboard.press("Enter");
  await p.waitForURL(/q=dns\.response_code%3ANXDomain&/);
  await settled(p);
  await p.keyboard.type(" AND dns.question.type:AA");
  await options.filter({ hasText: "AAAA" }).waitFor();
  await p.keyboard.type("AA");
  await p.keyboard.press("Enter");
  await p.waitForURL(/q=dns\.response_code%3ANXDomain\+AND\+dns\.question\.type%3AAAAA&/);
});

story("filters: a mistake is told, then turned round, switched off, edited, removed", async ({ p, s }) => {
  await login(p, s.user, s.password, "/events?from=now-24h");
  await settled(p);
  const all = await total(p);
  await p.getByRole("button", { name: "Filter", exact: true }).click();
  const form = p.getByRole("dialog", { name: "Edit the filter" });
  await form.getByRole("combobox", { name: "Field", exact: true }).fill("source.ip");
  await form.getByLabel("Value, exactly").fill("nobody");
  await form.getByRole("button", { name: "Add", exact: true }).click();
  await form.getByRole("alert").filter({ hasText: "holds IP addresses" }).waitFor();
  await form.getByRole("combobox", { name: "Field", exact: true }).fill("dns.question.type");
  await form.getByLabel("Value, exactly").fill("TXT");
  await p.keyboard.press("Enter");
  await form.waitFor({ state: "detached" });
  await p.waitForURL(/f=dns\.question\.type%3DTXT/);
  await settled(p);
  const some = await total(p);
  assert.ok(some > 0 && some < all);
  await p.getByRole("button", { name: "Invert dns.question.type: TXT" }).click();
  await p.waitForURL(/f=-dns/);
  await settled(p);
  assert.ok((await total(p)) > some);
  await p.getByRole("button", { name: "Switch off dns.question.type: TXT" }).click();
  await p.waitForURL(/f=%7E-dns/);
  await settled(p);
  assert.ok((await total(p)) >= all);
  await p.getByRole("button", { name: /dns\.question\.type: TXT$/ }).first().click();
  await form.getByLabel("Value, exactly").fill("MX");
  await form.getByRole("button", { name: "Apply", exact: true }).click();
  await p.getByRole("button", { name: "Remove dns.question.type: MX" }).click();
  await p.waitForFunction(() => !location.search.includes("f="));
});

story("time: clock times, a stretch earlier, twice as wide, and back", async ({ p, s }) => {
  await login(p, s.user, s.password, "/events?from=now-1h");
  await settled(p);
  await p.keyboard.press("t");
  const typed = p.getByLabel("Type a time");
  await typed.fill("tomorrow");
  await p.getByText("Not a time yet").waitFor();
  await typed.fill("yesterday 10:00 to 12:00");
  await p.keyboard.press("Enter");
  await p.waitForURL(/from=20\d\d-\d\d-\d\dT10%3A00%3A00Z&to=20\d\d-\d\d-\d\dT12%3A00%3A00Z/);
  await p.getByRole("button", { name: "Earlier by one width" }).click();
  await p.waitForURL(/T08%3A00%3A00Z&to=.*T10%3A00%3A00Z/);
  await p.getByRole("button", { name: "Twice as wide" }).click();
  await p.waitForURL(/T07%3A00%3A00Z&to=.*T11%3A00%3A00Z/);
  await p.goBack();
  await p.waitForURL(/T08%3A00%3A00Z&to=.*T10%3A00%3A00Z/);
});

story("columns are sorted by, moved by keyboard and removed; one event has its neighbours and a short address", async ({ p, s }) => {
  await login(p, s.user, s.password, "/events?from=now-24h&cols=source.ip,dns.question.name&q=dns.question.type%3ATXT");
  await settled(p);
  await p.getByRole("columnheader", { name: "dns.question.name" }).getByRole("button").first().press("Alt+ArrowLeft");
  await p.waitForURL(/cols=dns\.question\.name%2Csource\.ip/);
  await p.getByRole("columnheader", { name: "dns.question.name" }).dragTo(p.getByRole("columnheader", { name: "source.ip" }));
  await p.waitForURL(/cols=source\.ip%2Cdns\.question\.name/);
  await p.getByRole("columnheader", { name: "dns.question.name" }).dragTo(p.getByRole("columnheader", { name: "source.ip" }));
  await p.waitForURL(/cols=dns\.question\.name%2Csource\.ip/);
  await p.getByRole("columnheader", { name: "source.ip" }).getByRole("button").first().click();
  await p.waitForURL(/sort=-source\.ip/);
  await p.getByRole("table", { name: "Events" }).getByRole("button", { name: "Remove the column source.ip" }).click();
  await p.getByRole("columnheader", { name: "source.ip" }).waitFor({ state: "detached" });
  await settled(p);
  await p.locator(".rows .line").first().locator(".time").click();
  await p.waitForURL(/&e=[0-9a-f-]{36}/);
  const id = new URL(p.url()).searchParams.get("e");
  await p.getByRole("link", { name: "5 min around, same domain" }).click();
  await p.waitForURL(/f=dns\.question\.registered_domain/);
  await settled(p);
  assert.ok((await total(p)) >= 1);
  await p.goto(`/event/${id}`);
  await p.getByRole("rowheader", { name: "event.id" }).waitFor();
  await p.goto("/event/01a20652-c2d0-87b2-8000-000000000000");
  await p.getByText("There is no such event").waitFor();
});

story("the menu of a value: filter for and out, a column, counts, copies, lookups, a rule", async ({ p, s }) => {
  await login(p, s.user, s.password, "/events?from=now-24h&cols=dns.question.name,dns.question.type&q=dns.question.type%3AMX");
  await settled(p);
  await p.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const value = p.locator(".rows .line").first().getByRole("button").filter({ hasText: "." }).first();
  const name = await value.innerText();
  const menu = p.getByRole("dialog", { name: "What to do with dns.question.name" });
  const act = async (what) => {
    await value.click();
    await menu.getByRole("button", { name: what }).click();
    await menu.waitFor({ state: "detached" });
  };
  await act(/^Copy defanged/);
  assert.equal(await p.evaluate(() => navigator.clipboard.readText()), name.replaceAll(".", "[.]"));
  await act("Count values of this field");
  await p.getByRole("region", { name: "Fields" }).getByRole("button", { name: /dns\.question\.name/, expanded: true }).waitFor();
  await act("Select for a rule or exception");
  await p.getByText("1 value selected").waitFor();
  await act("Filter for");
  await p.waitForURL(/f=dns\.question\.name%3D/);
  await settled(p);
  await value.click();
  for (const where of ["VirusTotal", "urlscan.io", "Cloudflare Radar", "WHOIS (RDAP)"]) {
    const link = menu.getByRole("link", { name: where });
    assert.ok((await link.getAttribute("href")).includes(encodeURIComponent(name)));
    assert.equal(await link.getAttribute("rel"), "noopener noreferrer");
  }
  await menu.getByRole("button", { name: "Filter out" }).click();
  await p.waitForURL(/f=-dns\.question\.name%3D/);
  await p.getByRole("button", { name: "Rule", exact: true }).click();
  await p.getByRole("textbox", { name: "Rule in YAML" }).filter({ hasText: name }).waitFor();
});

story("aggregate: functions, by time and by field, what does not apply, and the chart says what stands below the pointer", async ({ p, s }) => {
  await login(p, s.user, s.password, "/events?from=now-24h&tab=aggregate");
  await p.getByRole("row", { name: /google/ }).first().waitFor();
  await p.getByRole("combobox", { name: "What", exact: true }).selectOption("avg");
  const field = p.getByRole("combobox", { name: "Field", exact: true });
  await field.fill("dns.question.name");
  await field.press("Enter");
  await field.blur();
  await p.getByText(/does not apply to `dns\.question\.name`/).waitFor();
  await field.fill("tidegate.dns.name.length");
  await field.press("Enter");
  await p.waitForURL(/agg=avg%7Etidegate\.dns\.name\.length%7E/);
  await p.getByRole("columnheader", { name: "Average of tidegate.dns.name.length" }).waitFor();
  await p.getByRole("combobox", { name: "By", exact: true }).selectOption("time");
  const chart = p.getByRole("img", { name: /^Aggregation over time/ });
  await chart.locator("canvas").waitFor();
  await chart.hover();
  await p.getByText("avg of tidegate.dns.name.length").waitFor();
  await p.waitForURL(/agg=avg%7Etidegate\.dns\.name\.length%7Etime/);
});

story("the chart is coloured by a field from the list, and says when it cannot be", async ({ p, s }) => {
  await login(p, s.user, s.password, "/events?from=now-1h&split=tidegate.dns.name.entropy");
  await settled(p);
  const fields = p.getByRole("region", { name: "Fields" });
  const colourBy = async (name) => {
    await fields.getByRole("searchbox", { name: "Search fields" }).fill(name);
    await fields.getByRole("button", { name: new RegExp(name.replaceAll(".", "\\.")), expanded: false }).click();
    await fields.getByRole("button", { name: "colour chart" }).click();
  };
  const chart = p.getByRole("region", { name: "Events over time" });
  await chart.getByRole("alert").filter({ hasText: "cannot be split by" }).waitFor();
  await colourBy("dns.question.type");
  await chart.getByRole("button", { name: "AAAA" }).click();
  await p.waitForURL(/f=dns\.question\.type%3DAAAA/);
});

story("what is chosen for patterns is in the address", async ({ p, s }) => {
  await login(p, s.user, s.password, "/events?from=now-1h&tab=patterns");
  await p.getByLabel("Alike by").selectOption("sentence");
  await p.getByLabel("rarest first").check();
  await p.waitForURL(/alike=sentence&rare=1/);
  await p.reload();
  await p.getByRole("status").filter({ hasText: /patterns? in/ }).waitFor();
  assert.equal(await p.getByLabel("Alike by").inputValue(), "sentence");
  assert.ok(await p.getByLabel("rarest first").isChecked());
});

story("who leaves a page or types on cancels what was asked", async ({ p, s }) => {
  await login(p, s.user, s.password, "/events?from=now-24h");
  await settled(p);
  let release;
  const held = new Promise((done) => (release = done));
  const hold = async (route) => {
    await held;
    await route.continue().catch(() => undefined);
  };
  const asked = (path) => p.waitForRequest((request) => request.url().endsWith(path));
  const cancelled = (path) => p.waitForEvent("requestfailed", (request) => request.url().endsWith(path) && request.failure()?.errorText === "net::ERR_ABORTED");
  // Nothing follows a search that was left.
  await p.route("**/api/v1/events/search", hold);
  const late = [];
  await Promise.all([asked("/events/search"), p.getByRole("button", { name: "Search", exact: true }).click()]);
  p.on("request", (request) => late.push(new URL(request.url()).pathname));
  await Promise.all([cancelled("/events/search"), p.getByRole("link", { name: "Intakes" }).click()]);
  await p.getByRole("heading", { name: "Intakes" }).waitFor();
  assert.deepEqual(late.filter((path) => path.startsWith("/api/v1/events/")), []);
  await p.unroute("**/api/v1/events/search");
  await p.getByRole("link", { name: "Events" }).click();
  await settled(p);
  for (const path of ["/events/top", "/events/aggregate", "/sql"]) await p.route(`**/api/v1${path}`, hold);
  // Values for what is typed.
  await p.keyboard.press("q");
  await Promise.all([asked("/events/top"), p.keyboard.type("dns.question.name:goo")]);
  await Promise.all([cancelled("/events/top"), p.keyboard.type("g")]);
  await p.keyboard.press("Escape");
  await p.keyboard.press("Escape");
  // A count, and a statement.
  await Promise.all([asked("/events/aggregate"), p.getByRole("tab", { name: "Aggregate" }).click()]);
  await Promise.all([cancelled("/events/aggregate"), p.getByRole("link", { name: "SQL" }).click()]);
  await Promise.all([asked("/sql"), p.getByRole("button", { name: "Run", exact: true }).click()]);
  await Promise.all([cancelled("/sql"), p.getByRole("link", { name: "Intakes" }).click()]);
  release();
});
