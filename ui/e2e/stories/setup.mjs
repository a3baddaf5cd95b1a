// Where an analyst begins and an administrator sets up: overview, people and domains, intakes, Logpush, settings.
import assert from "node:assert/strict";
import { login } from "../browser.mjs";
import { wrongs } from "../clean.mjs";
import { ACCOUNT, fakeLogpush } from "../fake-logpush.mjs";
import { api, settled, story, total } from "../kit.mjs";

const HOUR_MS = 3_600_000;
/** Digits of `1,234`, or nothing for a number that was shortened. */
const whole = (text) => (/^[\d,]+$/.test(text.trim()) ? Number(text.replaceAll(",", "")) : undefined);
/** Half an hour of the past, in which nothing comes in any more. */
function past() {
  const to = Math.floor((Date.now() - 2 * HOUR_MS) / 60_000) * 60_000;
  return new URLSearchParams({ from: new Date(to - HOUR_MS / 2).toISOString(), to: new Date(to).toISOString() }).toString();
}
/** The intake that a story makes for itself. */
async function made(p, format = "cloudflare-gateway-dns") {
  const name = `story-${Date.now()}-${Math.floor(Math.random() * 1000)}`;
  return { name, ...(await api(p, "POST", "/intakes", { name, format })) };
}
const record = (id, rest = {}) => JSON.stringify({ Datetime: new Date().toISOString(), QueryID: id, QueryName: `${id}.example`, QueryTypeName: "A", RCode: 0, SrcIP: "192.0.2.7", ResolverDecision: "allowedOnNoPolicyMatch", ...rest });

story("every number of the overview leads to the search behind it", async ({ p, s }) => {
  const range = past();
  await login(p, s.user, s.password, `/?${range}`);
  await settled(p);
  const figures = p.locator("a.figure");
  const all = await figures.evaluateAll((list) => list.map((one) => ({ label: one.querySelector("span").textContent, value: one.querySelector("strong").textContent, href: one.getAttribute("href") })));
  assert.deepEqual(all.map((one) => one.label).filter((label) => label !== "New domains"), ["Queries", "Blocked", "Allowed", "NXDOMAIN", "Domains", "Users", "Clients", "Open alerts", "Not parsed"]);
  let compared = 0;
  for (const one of all.filter(({ label }) => ["Queries", "Blocked", "Allowed", "Not parsed"].includes(label))) {
    const wanted = whole(one.value);
    if (wanted === undefined) continue;
    await p.goto(one.href);
    await settled(p);
    if (wanted === 0) await p.getByText(/Nothing matches|No event/).first().waitFor();
    else assert.equal(await total(p), wanted, one.label);
    compared += 1;
  }
  assert.ok(compared >= 2, JSON.stringify(all));
  for (const label of ["Domains", "Users", "Clients"]) assert.match(all.find((one) => one.label === label).href, /tab=aggregate/);
  await p.goto(`/?${range}`);
  await settled(p);
  const first = p.getByRole("region", { name: "Domains", exact: true }).locator("li a").first();
  const count = whole(await first.innerText());
  await first.click();
  await p.waitForURL(/\/events\?/);
  await settled(p);
  assert.equal(await total(p), count);
});

story("the overview asks for its figures first, and for nothing more when one leaves it", async ({ p, s }) => {
  await login(p, s.user, s.password, "/settings/account");
  const asked = [];
  const ended = [];
  p.on("requestfailed", (request) => ended.push(new URL(request.url()).pathname));
  await p.route(/\/api\/v1\/(sql|events\/\w+)$/, (route) => {
    asked.push(new URL(route.request().url()).pathname);
    // Held: as a server that takes its time.
  });
  await p.getByRole("link", { name: "Overview", exact: true }).click();
  await p.getByRole("region", { name: "Users" }).waitFor();
  await p.waitForFunction(() => document.querySelectorAll(".spin").length >= 9);
  assert.deepEqual(asked, ["/api/v1/sql"], "lists ask before the figures are there");
  await p.getByRole("link", { name: "Settings", exact: true }).click();
  await p.getByRole("region", { name: "API tokens" }).waitFor();
  for (let i = 0; i < 50 && ended.length === 0; i++) await p.waitForTimeout(100);
  assert.deepEqual([asked, ended], [["/api/v1/sql"], ["/api/v1/sql"]], "what nobody waits for is still asked");
});

story("a time that is none is named, not waited for", async ({ p, s }) => {
  await login(p, s.user, s.password, "/settings/account");
  for (const path of ["/", "/domain/google.com", "/entity/source.ip/192.0.2.81"]) {
    await p.goto(`${path}?from=rubbish&to=now`);
    await p.getByText("“rubbish” to “now” is no time that can be shown.").waitFor();
  }
  await p.goto("/alerts?from=rubbish");
  await p.getByRole("alert").getByText("`from` is `rubbish`").waitFor();
  await p.getByRole("button", { name: "Remove the filter rubbish – now" }).click();
  await p.getByRole("region", { name: "Alerts", exact: true }).getByRole("table").waitFor();
});

story("new domains are told against a past, not all of them on the first day", async ({ p, s }) => {
  await login(p, s.user, s.password, "/");
  await settled(p);
  const panel = p.getByRole("region", { name: "New domains" });
  await panel.getByText(/not asked for in the|first asked for in the last .* against the .* before/).waitFor();
  const [fresh, domains] = await p.locator(".figure").evaluateAll((list) => ["New domains", "Domains"].map((label) => list.find((one) => one.querySelector("span").textContent === label)?.querySelector("strong").textContent));
  const number = (text) => Number(text.replace(/,/g, "").replace("K", "e3"));
  assert.ok(number(fresh) < number(domains) / 2, `${fresh} of ${domains} are new`);
  await panel.getByRole("link", { name: /new$/ }).click();
  await p.waitForURL(/\/sql\?s=/);
  await p.getByRole("button", { name: "Run", exact: true }).click();
  await p.getByRole("columnheader", { name: "first_seen" }).waitFor();
});

story("a person and a domain: from the overview to who asks for what", async ({ p, s }) => {
  await login(p, s.user, s.password, "/");
  await settled(p);
  const user = p.getByRole("region", { name: "Users", exact: true }).locator(".val").first();
  const name = await user.innerText();
  await user.click();
  await p.getByRole("link", { name: "User page" }).click();
  await p.waitForURL(/\/entity\/user\.email\//);
  await p.getByRole("heading", { name }).waitFor();
  await settled(p);
  for (const title of ["Domains", "Blocked domains", "Domains nobody else asked for", "Devices", "Addresses"]) await p.getByRole("region", { name: title, exact: true }).waitFor();
  const domain = p.getByRole("region", { name: "Domains", exact: true }).locator(".val").first();
  const asked = await domain.innerText();
  await domain.click();
  await p.getByRole("link", { name: "Domain page" }).click();
  await p.getByRole("heading", { name: asked }).waitFor();
  await settled(p);
  await p.locator(".figure", { hasText: "Asked for since" }).getByRole("time").waitFor();
  for (const title of ["Who asks: users", "Who asks: devices", "Answers", "Categories"]) await p.getByRole("region", { name: title, exact: true }).waitFor();
  assert.match(await p.locator("a.figure", { hasText: "Clients" }).getAttribute("href"), /tab=aggregate/);
});

story("an intake says what was not parsed, why, what came twice and what has no column", async ({ p, s, url }) => {
  await login(p, s.user, s.password, "/intakes");
  const { name, intake, key } = await made(p);
  const twice = record(`${name}-1`);
  const body = [twice, twice, record(`${name}-2`, { FieldOfNextYear: "new\u202ething" }), '{"Datetime": "not closed', record(`${name}-3`, { Datetime: "yesterday-ish" })].join("\n");
  const pushed = await fetch(`${url}/plain/batch`, { method: "POST", headers: { "X-Tidegate-Intake-Key": key }, body });
  assert.equal(pushed.status, 200);
  await p.waitForFunction(async (id) => {
    const { counts } = await (await fetch(`/api/v1/intakes/${id}`)).json();
    return counts.valid + counts.warning + counts.invalid >= 4 && counts.duplicates === 1;
  }, intake.id, { polling: 500 });
  await p.goto(`/intakes/${intake.id}`);
  await settled(p);
  const counts = p.getByRole("region", { name: "Counts" });
  await counts.getByText("1 20 %, sent again and dropped").waitFor();
  const rejects = p.getByRole("region", { name: "Records with a remark or not parsed" });
  await rejects.getByText("not parsed").first().waitFor();
  await rejects.getByText('{"Datetime": "not closed').waitFor();
  const reason = rejects.getByRole("button").first();
  await reason.click();
  await rejects.getByText("The newest of this kind").waitFor();
  await settled(p);
  assert.ok((await rejects.getByRole("table").last().locator("tbody tr").count()) >= 1);
  const unmapped = p.getByRole("region", { name: "Unmapped fields" });
  await unmapped.getByText("FieldOfNextYear").waitFor();
  await p.getByRole("region", { name: "Delivery" }).getByText(/half within/).waitFor();
  const link = rejects.locator("td.num a").first();
  const records = whole(await link.innerText());
  await link.click();
  await p.waitForURL(/\/events\?/);
  await settled(p);
  assert.equal(await total(p), records);
  // What is lost is named, and that something is sending just now.
  await p.goto(`/intakes/${intake.id}`);
  for (const button of ["Switch off", "Rotate key", "Delete"]) {
    await p.getByRole("button", { name: button, exact: true }).click();
    const dialog = p.getByRole("dialog");
    await dialog.getByText("What is lost:").waitFor();
    await dialog.getByText(/Something is sending with this key now/).waitFor();
    await p.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  }
});

story("Logpush, guided: a token that lacks a right is named, a good one leads to the job", async ({ p, s }) => {
  await login(p, s.user, s.password, "/intakes");
  const { name, intake } = await made(p);
  const { sent } = await fakeLogpush(p, { intake: { id: intake.id, name } });
  await p.goto(`/intakes/${intake.id}`);
  const guide = p.getByRole("list", { name: "Set up Logpush" });
  const step = (n) => guide.locator(":scope > li").nth(n - 1);
  await step(1).getByText("done", { exact: true }).waitFor();
  await p.getByLabel("Public address").fill("http://127.0.0.1:8080");
  await step(1).getByText(/Cloudflare needs a public name/).waitFor();
  assert.ok(await step(3).getByText("later").isVisible());
  await p.getByLabel("Public address").fill("https://tidegate.example.com");
  await p.getByLabel("Account id").fill(ACCOUNT);
  const token = p.getByLabel(/Cloudflare API token/);
  assert.equal(await token.getAttribute("type"), "password");
  await token.fill("lacking");
  await p.getByRole("button", { name: "Check", exact: true }).click();
  await step(3).getByText(/lacks `Zero Trust: PII Read`/).waitFor();
  await step(2).getByText("failed", { exact: true }).waitFor();
  assert.ok(await step(4).getByText("later").isVisible());
  await token.fill("good");
  await p.getByRole("button", { name: "Check", exact: true }).click();
  await step(3).getByText(/All is well/).waitFor();
  await p.getByRole("button", { name: "Show what would be sent" }).click();
  await step(4).getByText('"output_type": "ndjson"').waitFor();
  assert.equal(sent.filter((one) => one.key === "POST /jobs" && !one.body.dry_run).length, 0, "nothing is made before it is confirmed");
  await p.getByRole("button", { name: "Create the job" }).click();
  await step(5).getByText(/Job 103 is made/).waitFor();
  await step(5).getByText("tgi_rotated").waitFor();
  assert.equal(await token.inputValue(), "", "the token is forgotten once it has served");
  const wish = sent.findLast((one) => one.key === "POST /jobs").body;
  assert.deepEqual([wish.intake, wish.rotate_key, wish.dataset, wish.public_url, wish.scope], [name, true, "gateway_dns", "https://tidegate.example.com", { level: "account", id: ACCOUNT }]);
  await p.getByRole("article", { name: "Job 103" }).getByText("starting").waitFor();
  assert.equal(await p.evaluate(() => Object.values(localStorage).concat(Object.values(sessionStorage)).join().includes("good")), false, "the token is kept nowhere");
});

story("Logpush: a failing job says what to do; verify shows the difference, update asks first", async ({ p, s }) => {
  await login(p, s.user, s.password, "/intakes");
  const { name, intake } = await made(p);
  const { sent } = await fakeLogpush(p, { intake: { id: intake.id, name }, jobs: ["failing", "drifted"] });
  await p.goto(`/intakes/${intake.id}`);
  const job = p.getByRole("article", { name: "Job 101" });
  await job.getByText(/uploads have failed for 2 hours/).waitFor();
  await job.getByText(/What to do: renew the certificate/).waitFor();
  await job.getByText(/about 61.4 GB a month/).waitFor();
  await job.getByText("Switched off by Cloudflare").waitFor();
  await p.goto("/intakes");
  await p.getByRole("row", { name: /branch #102/ }).getByRole("button", { name: "Verify" }).click();
  const dialog = p.getByRole("dialog");
  await dialog.getByLabel(/Cloudflare API token/).fill("good");
  await dialog.getByRole("button", { name: "Verify", exact: true }).click();
  await dialog.getByText("One thing breaks events or rules.").waitFor();
  await dialog.getByText("- enabled: false").waitFor();
  await dialog.getByText("+ enabled: true").waitFor();
  await dialog.getByRole("button", { name: "Update the job…" }).click();
  await dialog.getByText("This changes the job at Cloudflare.").waitFor();
  assert.equal(sent.some((one) => one.key.endsWith("/update")), false);
  await dialog.getByRole("button", { name: "Send it to Cloudflare" }).click();
  await dialog.getByText(/3 differences mended/).waitFor();
  assert.equal(sent.find((one) => one.key.endsWith("/update")).body.seen, "s1");
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await p.getByRole("row", { name: /branch #102/ }).getByText("delivers").waitFor();
});

story("settings: the disk, a user whose token is revoked, a session that ends", async ({ p, s, another }) => {
  await login(p, s.user, s.password, "/settings/server");
  await settled(p);
  await p.getByRole("region", { name: "Disk" }).getByText(/events in the last 24 hours/).waitFor();
  const name = `analyst-${Date.now()}`;
  await api(p, "POST", "/users", { name, password: "a long enough password", role: "analyst" });
  const other = await another();
  await login(other, name, "a long enough password", "/settings/account");
  await other.getByRole("button", { name: "New token" }).click();
  await other.getByRole("dialog").getByLabel("Name").fill("robot");
  await other.getByRole("button", { name: "Make token" }).click();
  const token = await other.locator("dialog [data-secret]").innerText();
  const me = () => fetch(`${s.url}/api/v1/me`, { headers: { Authorization: `Bearer ${token}` } }).then((answer) => answer.status);
  assert.equal(await me(), 200);
  await other.getByRole("button", { name: "I have it" }).click();
  await p.goto("/settings/users");
  await p.getByRole("row", { name: new RegExp(name) }).getByRole("button", { name: "Tokens and sessions" }).click();
  const dialog = p.getByRole("dialog");
  await dialog.getByRole("button", { name: "Revoke robot" }).click();
  await dialog.getByText("None.").first().waitFor();
  assert.equal(await me(), 401);
  await dialog.getByRole("button", { name: "End" }).first().click();
  await dialog.getByText("None.").nth(1).waitFor();
  // The page of the session that ended says so, and stays where it was.
  await other.getByRole("link", { name: "Intakes" }).click();
  await other.getByRole("heading", { name: "Your session is over" }).waitFor();
  await other.getByLabel("Password").last().fill("a long enough password");
  await other.getByRole("button", { name: "Log in" }).click();
  await other.getByRole("heading", { name: "Intakes" }).waitFor();
});

story("notifications: a target hears of intakes and Logpush jobs, or of alerts only", async ({ p, s }) => {
  await login(p, s.user, s.password, "/settings/notifications");
  const name = `file-${Date.now()}`;
  const panel = p.getByRole("region", { name: "Notifications" });
  const form = panel.locator("form");
  await form.getByLabel("Name").fill(name);
  await form.getByLabel("Kind").selectOption("file");
  await form.getByLabel("To", { exact: true }).fill(`${name}.ndjson`);
  await form.getByLabel("new alerts").uncheck();
  await form.getByRole("button", { name: "Add" }).click();
  const row = panel.getByRole("row", { name: new RegExp(name) });
  await row.getByText("silent and late intakes, Logpush jobs in trouble", { exact: true }).waitFor();
  const target = (await api(p, "GET", "/notifications")).find((one) => one.name === name);
  assert.deepEqual(target.on, ["intake_silence", "intake_lag"]);
  await row.getByRole("button", { name: "Delete" }).click();
  await p.getByRole("dialog").getByText(/Nobody hears there of silent and late intakes, Logpush jobs in trouble any more/).waitFor();
  await p.getByRole("button", { name: "Delete the target" }).click();
  await row.waitFor({ state: "detached" });
});

for (const scheme of ["light", "dark"]) {
  story(`setting up is clean for axe in every state, ${scheme}`, async ({ another, s }) => {
    const p = await another({ scheme });
    await login(p, s.user, s.password, "/intakes");
    const { name, intake } = await made(p);
    await fakeLogpush(p, { intake: { id: intake.id, name }, jobs: ["failing", "healthy", "drifted"] });
    const wrong = [];
    const look = async (where) => {
      await settled(p);
      wrong.push(...(await wrongs(p, where)));
    };
    await p.goto("/intakes");
    await p.getByRole("row", { name: /branch/ }).waitFor();
    await look("all jobs");
    await p.goto(`/intakes/${intake.id}`);
    await p.getByRole("tab", { name: "Guided" }).click();
    await look("an intake with jobs");
    await p.getByLabel("Account id").fill(ACCOUNT);
    await p.getByLabel(/Cloudflare API token/).fill("lacking");
    await p.getByRole("button", { name: "Check", exact: true }).click();
    await p.getByText(/Mend what failed/).waitFor();
    await look("a check that failed");
    await p.goto("/intakes");
    await p.getByRole("row", { name: /branch/ }).getByRole("button", { name: "Verify" }).click();
    await p.getByLabel(/Cloudflare API token/).fill("good");
    await p.getByRole("dialog").getByRole("button", { name: "Verify", exact: true }).click();
    await p.getByRole("button", { name: "Update the job…" }).click();
    await look("a comparison");
    for (const path of ["/settings/notifications", "/settings/assets", "/settings/server", "/settings/users", `/entity/host.name/none`]) {
      await p.goto(path);
      await p.waitForTimeout(300);
      await look(path);
    }
    assert.deepEqual(wrong, []);
  });
}
