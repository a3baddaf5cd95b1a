// Screenshots of the pages with a running server's data, for docs/ and for looking at one's own work:
//   TIDEGATE_URL=… TIDEGATE_USER=… TIDEGATE_PASSWORD=… npm run screenshots [folder] [word of a name]
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { launch, login, page as open } from "./browser.mjs";
import { serve } from "./serve.mjs";

const [folder = "../docs/screenshots", word = ""] = process.argv.slice(2);
const url = process.env.TIDEGATE_URL ?? "http://127.0.0.1:8080";
const SIZES = { wide: { width: 1440, height: 900 }, narrow: { width: 1024, height: 768 } };
const openEvent = async (p) => {
  await p.locator(".rows .line").nth(3).locator(".time").click();
  await p.getByRole("rowheader").first().waitFor();
};
const SHOTS = [
  ["overview", "/"],
  ["events", "/events?from=now-24h"],
  ["event", "/events?from=now-24h&q=cloudflare.ResolverDecision:blocked*", openEvent],
  ["aggregate", "/events?from=now-24h&tab=aggregate"],
  ["domain", "/domain/google.com"],
  ["user", "/entity/source.ip/192.0.2.81"],
  ["sql", "/sql", (p) => p.getByRole("button", { name: "Run" }).click()],
  ["patterns", "/events?from=now-1h&tab=patterns"],
  ["alerts", "/alerts"], ["alert", "/alerts?q=Cobalt%20Strike%20DNS%20Beaconing", (p) => p.locator("tbody a").first().click()], ["exceptions", "/alerts/exceptions"],
  ["rules", "/rules"], ["rule", "/rules?q=cobalt%20strike%20dns%20beaconing", (p) => p.locator("tbody a").first().click()], ["rule-new", "/rules/new"], ["matrix", "/rules/matrix"],
  ["intelligence", "/intelligence"], ["import", "/intelligence/import"], ["feeds", "/intelligence/feeds"], ["retrohunts", "/intelligence/retrohunts"],
  ["intakes", "/intakes"], ["intake-new", "/intakes/new"],
  ["settings", "/settings/server"], ["settings-users", "/settings/users"], ["settings-audit", "/settings/audit"],
];

const built = (await (await fetch(url, { headers: { accept: "text/html" } })).text()).includes('id="app"');
const front = built && !process.env.E2E_DIST ? { url, close: () => {} } : await serve(url);
const browser = await launch();
mkdirSync(folder, { recursive: true });
const first = await open(browser, front.url, SIZES.wide);
await login(first.page, process.env.TIDEGATE_USER ?? "admin", process.env.TIDEGATE_PASSWORD ?? "");
const cookies = await first.context.cookies();
for (const scheme of ["light", "dark"]) {
  for (const [size, box] of Object.entries(SIZES)) {
    const { page, context, errors } = await open(browser, front.url, { ...box, scheme });
    await context.addCookies(cookies);
    for (const [name, path, act] of SHOTS) {
      const file = `${name}-${size}-${scheme}.png`;
      if (!file.includes(word)) continue;
      await page.goto(path);
      await page.waitForTimeout(500);
      await page.waitForFunction(() => !document.querySelector(".spin") && !/Searching…/.test(document.body.innerText));
      await act?.(page);
      await page.waitForTimeout(500);
      await page.waitForFunction(() => !document.querySelector(".spin"));
      await page.screenshot({ path: join(folder, file) });
      console.log(file);
    }
    if (errors.length > 0) console.error(errors.join("\n"));
    await context.close();
  }
}
await browser.close();
front.close();
