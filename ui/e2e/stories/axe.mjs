// Every page, looked at by axe.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { login } from "../browser.mjs";
import { api, beacon, settled, story } from "../kit.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PAGES = [
  "/", "/events?from=now-1h", "/events?from=now-1h&tab=aggregate", "/events?from=now-1h&tab=patterns", "/alerts", "/alerts?status=", "/alerts/exceptions", "/rules", "/rules/matrix", "/rules/new", "/intelligence",
  "/intelligence/import", "/intelligence/feeds", "/intelligence/retrohunts", "/intakes", "/intakes/new", "/sql", "/settings/account", "/settings/server", "/settings/users", "/settings/audit", "/settings/lookups", "/domain/google.com", "/entity/source.ip/192.0.2.81",
];
for (const scheme of ["light", "dark"]) {
  story(`every page is clean for axe, ${scheme}`, async ({ another, s }) => {
    const p = await another({ scheme });
    await login(p, s.user, s.password);
    const one = await beacon(p);
    const hunts = await api(p, "GET", "/retrohunts");
    const wrong = [];
    for (const path of [...PAGES, `/alerts/${one.id}`, `/alerts/exceptions?rule=${one.rule.id}&v=${encodeURIComponent(`source.ip=${one.group["source.ip"]}`)}`, `/rules/${one.rule.id}`, ...hunts.slice(0, 1).map((hunt) => `/intelligence/retrohunts?id=${hunt.id}`)]) {
      await p.goto(path);
      await p.waitForTimeout(300);
      await settled(p);
      if (path === "/events?from=now-1h") {
        await p.locator(".rows .line").nth(1).locator(".time").click();
        await p.getByRole("rowheader").first().waitFor();
      }
      await p.evaluate(AXE);
      const { violations } = await p.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
      for (const one of violations) wrong.push(`${path}: ${one.id} (${one.impact}) ${one.nodes.length}x ${one.nodes[0].target.join(" ")} ${one.nodes[0].failureSummary?.split("\n")[1] ?? ""}`);
    }
    assert.deepEqual(wrong, []);
  });
}
