// A headless Chromium, logged in.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

/** The Chromium of the system. */
export async function launch() {
  const executablePath = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
  if (!executablePath) throw new Error("no Chromium found; install the package chromium or set CHROMIUM");
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
}

/** A page that reports every error of the browser, the policy's included. */
export async function page(browser, url, { width = 1440, height = 900, scheme = "light" } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: "reduce", baseURL: url });
  const made = await context.newPage();
  made.setDefaultTimeout(Number(process.env.E2E_TIMEOUT_MS ?? 120_000));
  const errors = [];
  made.on("pageerror", (error) => errors.push(`page: ${error.message}`));
  made.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) errors.push(`console: ${message.text()}`);
  });
  return { context, page: made, errors };
}

/** Logs in by the form. */
export async function login(made, user, password, at = "/") {
  await made.goto(at);
  await made.getByLabel("User").fill(user);
  await made.getByLabel("Password").fill(password);
  await made.getByRole("button", { name: "Log in" }).click();
  await made.getByRole("navigation", { name: "Pages" }).waitFor();
}
