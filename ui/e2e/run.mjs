// Drives a real server with a real browser through the pages' main stories.
//   TIDEGATE_BIN=target/release/tidegate npm run test:e2e            starts a demo of its own
//   TIDEGATE_URL=… TIDEGATE_USER=… TIDEGATE_PASSWORD=… npm run test:e2e   uses a running one
// A server that was built without the pages is tried with ui/dist in front of it. `npm run test:e2e -- login` runs the
// stories whose name holds the word, `"login|axe"` those with one of two.
import assert from "node:assert/strict";
import { join } from "node:path";
import { launch, page as open } from "./browser.mjs";
import { told } from "./kit.mjs";
import { serve } from "./serve.mjs";
import { configured, server } from "./server.mjs";
// One line a file of stories; they are told in this order.
import "./stories/login.mjs";
import "./stories/events.mjs";
import "./stories/sql.mjs";
import "./stories/setup.mjs";
import "./stories/intakes.mjs";
import "./stories/logpush.mjs";
import "./stories/alerts.mjs";
import "./stories/rules.mjs";
import "./stories/intelligence.mjs";
import "./stories/hostile.mjs";
import "./stories/axe.mjs";

const s = await server();
const pagesAreBuiltIn = (await (await fetch(s.url, { headers: { accept: "text/html" } })).text()).includes('id="app"');
const fronted = async (url) => (pagesAreBuiltIn && !process.env.E2E_DIST ? { url, close: () => {} } : serve(url));
const front = await fronted(s.url);
console.log(`${front.url} (${pagesAreBuiltIn ? "pages of the binary" : "ui/dist in front of the binary"})`);
const browser = await launch();
const wanted = process.argv.slice(2).join(" ").toLowerCase().split("|");
let failed = 0;
for (const { name, run, needsBinary } of told().filter((one) => wanted.some((word) => one.name.toLowerCase().includes(word)))) {
  if (needsBinary && !process.env.TIDEGATE_BIN) {
    console.log(`left  ${name} (needs TIDEGATE_BIN)`);
    continue;
  }
  const started = Date.now();
  const more = [];
  const contexts = [];
  const allErrors = [];
  const another = async ({ url = front.url, ...options } = {}) => {
    const made = await open(browser, url, options);
    contexts.push(made.context);
    allErrors.push(made.errors);
    return made.page;
  };
  const own = async (configuration, options) => {
    const made = await configured(configuration, options);
    more.push(made.stop);
    const { url, close } = await fronted(made.url);
    more.push(close);
    return { ...made, front: url };
  };
  try {
    const p = await another();
    await run({ p, s, another, own, url: front.url });
    assert.deepEqual(allErrors.flat(), [], "the browser reported errors");
    console.log(`ok    ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  } catch (cause) {
    failed += 1;
    console.log(`FAIL  ${name}\n      ${String(cause.message ?? cause).split("\n").slice(0, 60).join("\n      ")}`);
    const shot = process.env.E2E_SHOTS;
    if (shot) await contexts.at(-1)?.pages()[0]?.screenshot({ path: join(shot, `${name.replace(/\W+/g, "-").slice(0, 60)}.png`) }).catch(() => undefined);
  }
  for (const context of contexts) await context.close();
  for (const end of more.reverse()) await end();
}
await browser.close();
front.close();
await s.stop();
console.log(failed === 0 ? "all stories pass" : `${failed} stories fail`);
process.exit(failed === 0 ? 0 : 1);
