// Logpush with a server that watches an account of a Cloudflare that is none: from an intake to a job, and back to well
// after somebody changed it. setup.mjs has the states that take hours.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { login } from "../browser.mjs";
import { api, settled, story, total, until } from "../kit.mjs";
import { ACCOUNT, deliver, mockCloudflare, TOKEN } from "../mock-cloudflare.mjs";
import { authority, freeAddress, tlsFront } from "../tls-front.mjs";

/** A server that looks at the account every ten seconds, and its Cloudflare. */
async function watching(own, { server = "", ...options } = {}) {
  const cloud = await mockCloudflare();
  const s = await own((folder) => {
    const file = join(folder, "token");
    writeFileSync(file, `${TOKEN}\n`, { mode: 0o600 });
    return `[server]\n${server}\n[logpush]\ntoken_file = "${file}"\naccounts = ["${ACCOUNT}"]\ninterval = "10s"\nallow_private = true\napi_url = "${cloud.url}"\n`;
  }, options);
  cloud.reach = s.url;
  return { cloud, s };
}
const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString().replace(/\.\d+Z$/, "Z");
const record = (id) => JSON.stringify({ Datetime: new Date().toISOString(), QueryID: id, QueryName: `${id}.example`, QueryTypeName: "A", RCode: 0, SrcIP: "192.0.2.7", ResolverDecision: "allowedOnNoPolicyMatch" });

story("Logpush with a real server: guided to a job, watched, changed by somebody, verified, mended", async ({ another, own }) => {
  const { cloud, s } = await watching(own);
  try {
    const p = await another({ url: s.front });
    await login(p, s.user, s.password, "/intakes");
    const { intake } = await api(p, "POST", "/intakes", { name: "gateway", format: "cloudflare-gateway-dns" });
    await p.goto(`/intakes/${intake.id}`);
    const guide = p.getByRole("list", { name: "Set up Logpush" });
    const step = (n) => guide.locator(":scope > li").nth(n - 1);
    await p.getByLabel("Public address").fill("https://tidegate.example.com");
    await p.getByText("Cloudflare Access stands in front").click();
    await p.getByLabel(/Do not try the address from here/).check();
    // The server's own token and the account that it watches.
    assert.equal(await p.getByLabel("Account id").inputValue(), ACCOUNT);
    cloud.readsPersonal = false;
    await p.getByRole("button", { name: "Check", exact: true }).click();
    await step(3).getByText(/Zero Trust: PII Read/).waitFor();
    await step(2).getByText("failed", { exact: true }).waitFor();
    assert.ok(await step(4).getByText("later").isVisible());
    cloud.readsPersonal = true;
    await p.getByRole("button", { name: "Check again" }).click();
    await step(3).getByText(/All is well: the job would send 8 fields/).waitFor();
    await p.getByRole("button", { name: "Show what would be sent" }).click();
    await step(4).getByText('"timestamp_format": "rfc3339ns"').first().waitFor();
    assert.equal(cloud.jobs.length, 0, "nothing is made before it is confirmed");
    // Cloudflare offers one more field by now, which this version does not read.
    cloud.fields.push("Tomorrow");
    await p.getByRole("button", { name: "Create the job" }).click();
    await step(5).getByText(/Job 100 is made/).waitFor();
    const key = await step(5).locator("[data-secret]").innerText();
    assert.equal(new URL(cloud.jobs[0].destination_conf).searchParams.get("header_X-Tidegate-Intake-Key"), key);

    const card = p.getByRole("article", { name: "Job 100" });
    await card.getByText("starting").waitFor();
    assert.equal((await deliver(cloud, cloud.jobs[0].destination_conf, [1, 2, 3].map((n) => record(`story-${n}`)).join("\n"))).status, 200);
    cloud.jobs[0].last_complete = ago(1);
    await until(p, "/logpush/jobs", ({ jobs }) => jobs[0]?.state === "healthy");
    await p.goto(`/intakes/${intake.id}`);
    await card.getByText("delivers").waitFor();
    assert.ok(!(await card.innerText()).includes(key), "the key is masked");

    // A note is no error: it is told in its own words and colour, and what it names is no line that goes.
    await p.goto("/intakes");
    await p.getByRole("row", { name: /#100/ }).getByRole("button", { name: "Verify" }).click();
    const news = p.getByRole("dialog").getByRole("region", { name: "fields new" });
    await news.getByText("note", { exact: true }).waitFor();
    await news.getByText("Tomorrow").waitFor();
    assert.equal(await news.locator(".tag.bad, .gone").count(), 0, "nothing of it is red");
    assert.equal((await news.locator("pre").innerText()).trim(), "Tomorrow");
    await p.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();

    // Uploads fail.
    Object.assign(cloud.jobs[0], { last_complete: ago(40), last_error: ago(1), error_message: "1102 ConnectionTimeout" });
    await until(p, "/logpush/jobs", ({ jobs }) => ["failing", "drift"].every((kind) => jobs[0].warnings.some((one) => one.kind === kind)));
    await p.goto(`/intakes/${intake.id}`);
    await card.getByText(/uploads have failed for/).waitFor();
    await card.getByText(/What to do:/).first().waitFor();
    await card.getByText("Switched off by Cloudflare").waitFor();
    await card.getByText(/Tomorrow/).first().waitFor();
    await p.goto("/intakes");
    const row = p.getByRole("row", { name: /#100/ });
    await row.getByText("failing", { exact: true }).waitFor();

    // It delivers again, but somebody samples it.
    Object.assign(cloud.jobs[0], { last_complete: ago(1), last_error: null, error_message: null });
    cloud.jobs[0].output_options.sample_rate = 0.5;
    await row.getByRole("button", { name: "Verify" }).click();
    const dialog = p.getByRole("dialog");
    const sampled = dialog.getByRole("region", { name: "sample rate" });
    await sampled.locator("pre").getByText(/^- .*0\.5/).waitFor();
    await dialog.getByRole("button", { name: "Update the job…" }).click();
    await dialog.getByText("This changes the job at Cloudflare.").waitFor();
    // Somebody else is quicker: nothing is sent.
    cloud.jobs[0].filter = '{"where":{"key":"RCode","operator":"eq","value":3}}';
    await dialog.getByRole("button", { name: "Send it to Cloudflare" }).click();
    await dialog.getByText(/changed by someone else meanwhile/).waitFor();
    assert.equal(cloud.jobs[0].output_options.sample_rate, 0.5);
    await dialog.getByRole("button", { name: "Verify", exact: true }).click();
    await dialog.getByRole("region", { name: "filter" }).waitFor();
    await dialog.getByRole("button", { name: "Update the job…" }).click();
    await dialog.getByRole("button", { name: "Send it to Cloudflare" }).click();
    await dialog.getByText(/differences? mended/).waitFor();
    assert.deepEqual([cloud.jobs[0].output_options.sample_rate, cloud.jobs[0].filter], [1, ""]);
    assert.equal(new URL(cloud.jobs[0].destination_conf).searchParams.get("header_X-Tidegate-Intake-Key"), key, "the key stays");
    await dialog.getByRole("button", { name: "Close" }).last().click();
    await until(p, "/logpush/jobs", ({ jobs }) => jobs[0].state === "healthy" && jobs[0].warnings.every((one) => one.severity === "note"));
    await p.goto("/intakes");
    await row.getByText("delivers").waitFor();
    await row.getByRole("link", { name: "gateway" }).click();
    await card.getByText("delivers").waitFor();
    await p.goto(`/events?f=${encodeURIComponent("tidegate.intake.name=gateway")}`);
    await settled(p);
    assert.equal(await total(p), 3, "what the job sent is there, and nothing else");
  } finally {
    await cloud.close();
  }
}, { needsBinary: true });

story("Logpush with a real server: the public address is tried over trusted TLS, and what is wrong with it is told", async ({ another, own }) => {
  const front = await tlsFront();
  // The authority of the front is trusted as an operator would have it trusted, and the address is the configured one.
  const { cloud, s } = await watching(own, { server: `public_url = "${front.url}"`, listen: await freeAddress(), environment: { SSL_CERT_FILE: authority } });
  front.target = s.url;
  try {
    const p = await another({ url: s.front });
    await login(p, s.user, s.password, "/intakes");
    const { intake } = await api(p, "POST", "/intakes", { name: "gateway", format: "cloudflare-gateway-dns" });
    await p.goto(`/intakes/${intake.id}`);
    const step = (n) => p.getByRole("list", { name: "Set up Logpush" }).locator(":scope > li").nth(n - 1);
    assert.equal(await p.getByLabel("Public address").inputValue(), front.url);
    const attempt = async (said) => {
      await p.getByRole("button", { name: /^Check( again)?$/ }).click();
      await step(3).getByText(said).first().waitFor();
    };
    front.show("expired");
    await attempt(/its certificate has expired: renew it/);
    await step(1).getByText("failed", { exact: true }).waitFor();
    assert.ok(await step(4).getByText("later").isVisible(), "no job before the address is well");
    front.show("other_name");
    await attempt(/its certificate is for another name/);
    await front.close();
    await attempt(/the connection was refused: nothing listens there/);
    await front.open();
    front.show("good");
    front.target = `${s.url}/elsewhere`;
    await attempt(/answers 404: there is no intake; check what stands before `\/plain\/batch`/);
    assert.equal(front.passed, 0);
    front.target = s.url;
    await attempt(/takes the validation upload over trusted TLS/);
    await step(3).getByText(/All is well: the job would send 8 fields/).waitFor();
    assert.equal(front.passed, 1, "the check went through the front, as Cloudflare's would");
    await p.getByRole("button", { name: "Show what would be sent" }).click();
    await p.getByRole("button", { name: "Create the job" }).click();
    await step(5).getByText(/Job 100 is made/).waitFor();
    assert.ok(cloud.jobs[0].destination_conf.startsWith(`${front.url}/plain/batch?header_X-Tidegate-Intake-Key=`));
  } finally {
    await front.close();
    await cloud.close();
  }
}, { needsBinary: true });
