// What stories share.
const stories = [];

/** Adds a story: `run` gets a page `p`, the server `s`, `another()` for one more page in a browser of its own, `own()` for a
    server with a configuration of its own (a story that `needsBinary`), and `url`. */
export const story = (name, run, { needsBinary = false } = {}) => stories.push({ name, run, needsBinary });

/** All stories, in the order in which they were added. */
export const told = () => stories;

/** Waits until nothing is being asked for. */
export const settled = (p) => p.waitForFunction(() => !document.querySelector(".spin") && !/Searching…/.test(document.body.innerText));

/** How many events the page says it found. */
export const total = async (p) => Number((await p.locator(".facts strong").innerText()).replace(/\D/g, ""));

/** Types a query and runs it. */
export const ask = async (p, query) => {
  // Not by select-all: Chromium then carries the colour of what is replaced over as an inline style, which the policy
  // blocks with a message of its own; the editor draws the line anew either way.
  const clear = p.getByRole("button", { name: "Clear the query" });
  if (await clear.isVisible()) await clear.click();
  await p.keyboard.press("Escape");
  await p.keyboard.press("q");
  await p.keyboard.type(query);
  await p.keyboard.press("Escape");
  await p.locator(".ask").getByRole("button", { name: "Search", exact: true }).click();
};

/** A call by the session of the page, for what is not the story. */
export const api = (p, method, path, body) =>
  p.evaluate(async ([method, path, body]) => {
    const { csrf } = await (await fetch("/api/v1/me")).json();
    const answer = await fetch("/api/v1" + path, { method, headers: { "Content-Type": "application/json", "X-Tidegate-CSRF": csrf }, body: body && JSON.stringify(body) });
    return answer.status === 204 ? undefined : answer.json();
  }, [method, path, body]);

/** Asks the API until the answer is as wanted. What a server has just been given takes a moment to be judged. */
export const until = async (p, path, wanted, seconds = 120) => {
  let answer;
  for (const started = Date.now(); Date.now() - started < seconds * 1000; ) {
    answer = await api(p, "GET", path);
    if (wanted(answer)) return answer;
    await p.waitForTimeout(1000);
  }
  throw new Error(`${path} did not become as wanted within ${seconds} s: ${JSON.stringify(answer).slice(0, 3000)}`);
};

/** The demo's Cobalt Strike beacon, as soon as it has raised its alert. */
export const beacon = async (p) => {
  const { alerts } = await until(p, "/alerts?status=pending,acknowledged,ongoing&sort=newest&q=Cobalt%20Strike%20DNS%20Beaconing", (answer) => answer.alerts.length > 0);
  return alerts[0];
};
