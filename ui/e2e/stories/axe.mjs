// Every page, looked at by axe.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { login } from "../browser.mjs";
import { settled, story } from "../kit.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PAGES = ["/", "/events?from=now-24h", "/events?from=now-24h&tab=aggregate", "/alerts", "/rules", "/rules/matrix", "/rules/new", "/intelligence", "/intelligence/import", "/intakes", "/intakes/new", "/sql", "/settings/account", "/settings/server", "/settings/users", "/settings/audit", "/settings/lookups", "/domain/google.com", "/entity/source.ip/192.0.2.81"];

for (const scheme of ["light", "dark"]) {
  story(`every page is clean for axe, ${scheme}`, async ({ another, s }) => {
    const p = await another({ scheme });
    await fake(p);
    await login(p, s.user, s.password);
    const wrong = [];
    for (const path of PAGES) {
      await p.goto(path);
      await p.waitForTimeout(300);
      await settled(p);
      if (path.startsWith("/events?from=now-24h") && !path.includes("tab=")) {
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
