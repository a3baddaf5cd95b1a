// What axe finds wrong with a page as it is shown.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** A line for each rule that the page breaks, with the first place that breaks it. */
export async function wrongs(p, where) {
  await p.evaluate(AXE);
  const { violations } = await p.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations.map((one) => `${where}: ${one.id} (${one.impact}) ${one.nodes.length}x ${one.nodes[0].target.join(" ")} ${one.nodes[0].failureSummary?.split("\n")[1] ?? ""}`);
}
