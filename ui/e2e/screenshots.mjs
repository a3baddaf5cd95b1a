// Screenshots of the pages with a running server's data, for docs/ and for looking at one's own work:
//   TIDEGATE_URL=… TIDEGATE_USER=… TIDEGATE_PASSWORD=… npm run screenshots                  those of docs/screenshots
//   … npm run screenshots -- /tmp/shots wide-dark                                           all whose file name holds the word
// E2E_DIST=1 takes the pages of ui/dist instead of the binary's.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch, login, page as open } from "./browser.mjs";
import { ACCOUNT, fakeLogpush } from "./fake-logpush.mjs";
import { small } from "./png.mjs";
import { serve } from "./serve.mjs";

const DOCS = fileURLToPath(new URL("../../docs/screenshots", import.meta.url));
/** A picture that is kept in the repository is at most so large. */
const KEPT_BYTES_MAX = 200 * 1024;
const SIZES = { wide: { width: 1440, height: 900 }, narrow: { width: 1024, height: 768 } };
const url = process.env.TIDEGATE_URL ?? "http://127.0.0.1:8080";

const ask = (p, path) => p.evaluate(async (path) => (await fetch("/api/v1" + path)).json(), path);
const firstOf = (list, path) => async (p) => path((await ask(p, list))?.alerts?.[0] ?? (await ask(p, list))?.rules?.[0] ?? (await ask(p, list))?.[0]);
const openEvent = async (p) => {
  await p.locator(".rows .line").nth(3).locator(".time").click();
  await p.getByRole("rowheader").first().waitFor();
};
const newIntake = async (p) => {
  await p.getByLabel("Name", { exact: true }).fill("head office");
};
const oneIntake = firstOf("/intakes", (one) => `/intakes/${one?.id}`);
/** The page of an intake with made-up answers about its jobs: a demo has none at Cloudflare. */
const withJobs = (jobs, path = oneIntake) => async (p) => {
  const [intake] = await ask(p, "/intakes");
  await fakeLogpush(p, { intake: { id: intake.id, name: intake.name }, jobs });
  return typeof path === "function" ? path(p) : path;
};
const guide = async (p) => {
  await p.getByRole("tab", { name: "Guided" }).click();
  await p.getByLabel("Account id").fill(ACCOUNT);
  await p.getByLabel(/Cloudflare API token/).fill("good");
  await p.getByRole("button", { name: "Check", exact: true }).click();
  await p.getByText("All is well").waitFor();
  await p.getByRole("region", { name: "Send logs to it" }).evaluate((node) => node.scrollIntoView({ block: "start" }));
};
const verify = async (p) => {
  await p.getByRole("row", { name: /branch/ }).getByRole("button", { name: "Verify" }).click();
  await p.getByLabel(/Cloudflare API token/).fill("good");
  await p.getByRole("dialog").getByRole("button", { name: "Verify", exact: true }).click();
  await p.getByText(/breaks events or rules/).waitFor();
};
const toJob = (p) => p.getByRole("region", { name: "Logpush jobs" }).evaluate((node) => node.scrollIntoView({ block: "center" }));
/** Name, address or the way to it, what to do there; `dark`: also kept in the docs in dark. */
const SHOTS = [
  ["overview", "/", undefined, "dark"],
  ["events", "/events?from=now-24h", undefined, "dark"],
  ["event", "/events?from=now-24h&q=cloudflare.ResolverDecision:blocked*", openEvent],
  ["aggregate", "/events?from=now-24h&tab=aggregate"],
  ["domain", "/domain/google.com"],
  ["person", async (p) => `/entity/user.email/${encodeURIComponent((await topUser(p)) ?? "nobody")}`],
  ["sql", "/sql", (p) => p.getByRole("button", { name: "Run" }).click()],
  ["patterns", "/events?from=now-1h&tab=patterns"],
  ["alerts", "/alerts"],
  ["alert", firstOf("/alerts?sort=urgent&limit=1", (one) => `/alerts/${one?.id}`), undefined, "dark"],
  ["exceptions", "/alerts/exceptions"],
  ["rules", "/rules"],
  ["rule", firstOf("/rules", (one) => `/rules/${one?.id}`)],
  ["rule-new", "/rules/new"],
  ["matrix", "/rules/matrix"],
  ["intelligence", "/intelligence"],
  ["import", "/intelligence/import"],
  ["feeds", "/intelligence/feeds"],
  ["retrohunts", "/intelligence/retrohunts"],
  ["intakes", "/intakes"],
  ["intake-new", "/intakes/new", newIntake],
  ["intake", oneIntake],
  ["logpush-guide", withJobs([]), guide],
  ["logpush-job", withJobs(["failing"]), toJob],
  ["logpush-verify", withJobs(["healthy", "failing", "drifted"], "/intakes"), verify],
  ["settings", "/settings/server"],
  ["settings-account", "/settings/account"],
  ["settings-users", "/settings/users"],
  ["settings-notifications", "/settings/notifications"],
  ["settings-assets", "/settings/assets"],
  ["settings-audit", "/settings/audit"],
];

async function topUser(p) {
  return p.evaluate(async () => {
    const { csrf } = await (await fetch("/api/v1/me")).json();
    const body = JSON.stringify({ field: "user.email", from: "now-24h", size: 1 });
    const answer = await fetch("/api/v1/events/top", { method: "POST", headers: { "Content-Type": "application/json", "X-Tidegate-CSRF": csrf }, body });
    return (await answer.json()).values?.[0]?.value;
  });
}

const quiet = (p) => p.waitForFunction(() => !document.querySelector(".spin") && !/Searching…/.test(document.body.innerText), undefined, { timeout: 60_000 });

async function take(p, [name, path, act], file) {
  await p.unrouteAll();
  await p.goto(typeof path === "function" ? await path(p) : path);
  await p.waitForTimeout(400);
  await quiet(p).catch(() => console.error(`${name}: something is still being asked for`));
  await act?.(p);
  await p.waitForTimeout(400);
  await quiet(p);
  const picture = small(await p.screenshot());
  writeFileSync(file, picture);
  const size = picture.length;
  console.log(`${file} ${Math.round(size / 1024)} KiB`);
  return { name, size };
}

const [folder, word = ""] = process.argv.slice(2);
const forDocs = folder === undefined;
const wanted = (name, size, scheme, dark) => (forDocs ? size === "wide" && (scheme === "light" || dark === "dark") : `${name}-${size}-${scheme}`.includes(word));
const built = !process.env.E2E_DIST && (await (await fetch(url, { headers: { accept: "text/html" } })).text()).includes('id="app"');
const front = built ? { url, close: () => {} } : await serve(url);
const browser = await launch();
mkdirSync(folder ?? DOCS, { recursive: true });
const entry = await open(browser, front.url, SIZES.wide);
if (forDocs) {
  await entry.page.goto("/");
  await entry.page.getByLabel("User").waitFor();
  writeFileSync(join(DOCS, "login.png"), small(await entry.page.screenshot()));
}
await login(entry.page, process.env.TIDEGATE_USER ?? "admin", process.env.TIDEGATE_PASSWORD ?? "");
const cookies = await entry.context.cookies();
let tooLarge = 0;
for (const scheme of ["light", "dark"]) {
  for (const [size, box] of Object.entries(SIZES)) {
    const shots = SHOTS.filter(([name, , , dark]) => wanted(name, size, scheme, dark));
    if (shots.length === 0) continue;
    const { page, context, errors } = await open(browser, front.url, { ...box, scheme });
    await context.addCookies(cookies);
    await page.goto("/settings/account");
    for (const shot of shots) {
      const file = forDocs ? join(DOCS, `${shot[0]}${scheme === "dark" ? "-dark" : ""}.png`) : join(folder, `${shot[0]}-${size}-${scheme}.png`);
      const taken = await take(page, shot, file);
      if (forDocs && taken.size > KEPT_BYTES_MAX) tooLarge += 1;
    }
    if (errors.length > 0) console.error(errors.join("\n"));
    await context.close();
  }
}
await browser.close();
front.close();
if (tooLarge > 0) {
  console.error(`${tooLarge} pictures are larger than ${KEPT_BYTES_MAX} bytes`);
  process.exit(1);
}
