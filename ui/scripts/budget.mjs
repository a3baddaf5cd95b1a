// What a browser has to load, compressed, against what we allow ourselves. Fails the build when it is more.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const KIB = 1024;
const BUDGET = { first: 60 * KIB, events: 360 * KIB, all: 480 * KIB };

const folder = new URL("../dist/assets/", import.meta.url);
const sizes = new Map(readdirSync(folder).filter((name) => /\.(js|css)$/.test(name)).map((name) => [name, gzipSync(readFileSync(new URL(name, folder))).length]));
const sum = (test) => [...sizes].filter(([name]) => test(name)).reduce((total, [, size]) => total + size, 0);
const index = readFileSync(new URL("../dist/index.html", import.meta.url), "utf8");

const found = {
  first: sum((name) => index.includes(name)),
  events: sum((name) => index.includes(name) || /^(Events|charts|editor|echarts)/.test(name)),
  all: sum(() => true),
};
let over = false;
for (const [what, size] of Object.entries(found)) {
  over ||= size > BUDGET[what];
  console.log(`${what.padEnd(7)} ${(size / KIB).toFixed(1)} KiB of ${BUDGET[what] / KIB} KiB${size > BUDGET[what] ? "  OVER BUDGET" : ""}`);
}
if (/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=/i.test(index)) {
  console.error("index.html holds inline script or style; the policy forbids it");
  over = true;
}
process.exit(over ? 1 : 0);
