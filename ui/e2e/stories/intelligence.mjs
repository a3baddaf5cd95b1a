// Intelligence.
import assert from "node:assert/strict";
import { login } from "../browser.mjs";
import { settled, story } from "../kit.mjs";

story("intelligence: import with a preview, then watch the retrohunt", async ({ p, s }) => {
  await fake(p);
  await login(p, s.user, s.password, "/intelligence/import");
  await p.getByLabel(/Paste a STIX/).fill("evil[.]example\nhxxp://bad[.]example/x");
  await p.getByRole("button", { name: "Preview" }).click();
  await p.getByText("2 new").waitFor();
  await p.getByRole("button", { name: /Import 2/ }).click();
  await p.getByRole("link", { name: /looked up in the past/ }).click();
  await p.getByRole("region", { name: "Retrohunt", exact: true }).getByText("evil.example").waitFor();
});
