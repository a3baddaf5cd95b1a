// Names that attackers choose, through the real intake to every page that shows names.
import assert from "node:assert/strict";
import { login } from "../browser.mjs";
import { api, settled, story, until } from "../kit.mjs";

// A zone of its own a run: what an earlier one left behind is not looked at.
const ZONE = `h${Date.now()}.example`;
const MARKUP = `<img src=x onerror=window.pwned=1>.${ZONE}`;
const TURNED = `evil\u202egnp.exe.${ZONE}`;
const SCRIPT = `</script><script>window.pwned=1</script>{@html 1}.${ZONE}`;
const HIDDEN = `a\u200bb\u2066c.${ZONE}`;

/** No markup came of it, nothing ran, and nothing hidden is left in what is read. */
async function clean(p, where, ...shown) {
  await settled(p);
  for (const word of shown) await p.getByText(word).first().waitFor();
  assert.equal(await p.evaluate(() => window.pwned), undefined, `${where}: a script ran`);
  // Not by a locator: those look into the editor, which draws with images of its own.
  assert.equal(await p.evaluate(() => document.querySelectorAll("main img, dialog img, main script, main iframe").length), 0, `${where}: markup`);
  const text = await p.evaluate(() => document.body.innerText + document.title);
  assert.ok(!/[\u200b\u202a-\u202e\u2066-\u2069]/.test(text), `${where}: hidden characters are shown as they are`);
}

story("hostile names stay text on every page that shows names", async ({ p, s, url }) => {
  await login(p, s.user, s.password);
  const now = Date.now();
  const client = `2001:db8:ffff:${(now % 60_000 + 4096).toString(16)}::1`;
  const { key } = await api(p, "POST", "/intakes", { name: `hostile-${now}`, format: "cloudflare-gateway-dns" });
  const id = `00000000-0000-4000-8000-${String(now % 1e12).padStart(12, "0")}`;
  const rule = await api(p, "POST", "/rules", { yaml: `title: Hostile <img src=x onerror=window.pwned=1> names ${now}\nid: ${id}\nstatus: experimental\ndescription: <b onclick=alert(1)>x</b>\nlogsource:\n  category: dns\ndetection:\n  selection:\n    source.ip: "${client}"\n  condition: selection\nlevel: high\n` });
  assert.equal(rule.id, id, JSON.stringify(rule));
  await p.waitForTimeout(2000);
  const names = [MARKUP, TURNED, SCRIPT, HIDDEN];
  const body = names.map((QueryName, i) => JSON.stringify({ Datetime: new Date().toISOString(), QueryID: `${now}-${i}`, QueryName, QueryTypeName: "A", RCode: 0, SrcIP: client, Email: QueryName, ResolverDecision: "allowedOnNoPolicyMatch" })).join("\n");
  assert.equal((await fetch(`${url}/plain/batch`, { method: "POST", headers: { "X-Tidegate-Intake-Key": key }, body })).status, 200);
  const { alerts } = await until(p, `/alerts?status=&rule=${id}`, (answer) => answer.total >= names.length, 90);

  await p.goto(`/alerts?rule=${id}`);
  await clean(p, "alerts", `<img src=x onerror=window.pwned=1>.${ZONE}`, `evil⟨RLO⟩gnp.exe.${ZONE}`);
  for (const one of alerts) {
    await p.goto(`/alerts/${one.id}`);
    await clean(p, `alert of ${one.name}`, "Why it fired");
  }
  await p.getByRole("link", { name: "Except this…" }).click();
  await p.getByText(/It would have hidden/).waitFor();
  await clean(p, "exceptions");
  await p.goto(`/rules/${id}`);
  await clean(p, "rule", "Hostile <img");
  await p.goto(`/rules?q=${now}`);
  await clean(p, "rules", "Hostile <img");
  await p.goto(`/events?f=${encodeURIComponent(`source.ip=${client}`)}&cols=dns.question.name,user.email,summary`);
  await clean(p, "events", `evil⟨RLO⟩gnp.exe.${ZONE}`, `a⟨ZWSP⟩b⟨LRI⟩c.${ZONE}`);
  await p.locator(".rows .line", { hasText: "⟨RLO⟩" }).first().locator(".time").click();
  for (const tab of ["Answers", "Raw record", "JSON", "Fields"]) {
    await p.getByRole("tab", { name: new RegExp(tab) }).click();
    await clean(p, `event, ${tab}`);
  }
  for (const tab of ["patterns", "aggregate"]) {
    await p.goto(`/events?f=${encodeURIComponent(`source.ip=${client}`)}&tab=${tab}&agg=count~~field~dns.question.name~20`);
    await clean(p, tab, "⟨RLO⟩");
  }
  for (const name of [SCRIPT, TURNED]) {
    await p.goto(`/domain/${encodeURIComponent(name)}`);
    await clean(p, `domain ${name}`);
    await p.goto(`/entity/user.email/${encodeURIComponent(name)}`);
    await clean(p, `entity ${name}`);
  }
  await p.goto("/intelligence/import");
  await p.getByLabel(/Paste a STIX/).fill(`${now}.${ZONE}\n${MARKUP}\n${TURNED}`);
  await p.getByLabel("Tags").fill("<img/src=x/onerror=window.pwned=1>");
  await p.getByLabel("Collection").fill(`hostile-${now}`);
  await p.getByRole("button", { name: "Preview" }).click();
  await p.getByRole("heading", { name: "Not understood" }).waitFor();
  await clean(p, "import");
  await p.getByRole("button", { name: /^Import \d/ }).click();
  await p.getByText(/in force\./).waitFor();
  await p.goto(`/intelligence/indicators?q=${now}.${ZONE}`);
  await clean(p, "indicators", `${now}.${ZONE}`);
  await p.goto("/intelligence/retrohunts");
  await clean(p, "retrohunts");
  await api(p, "DELETE", `/rules/${id}`);
});
