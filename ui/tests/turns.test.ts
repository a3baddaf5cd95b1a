import { expect, it } from "vitest";
import { inTurn, onTop } from "../src/lib/turns";

const held = () => {
  let end = () => {};
  const promise = new Promise<void>((done) => (end = done));
  return { promise, end };
};
const turn = () => new Promise((done) => setTimeout(done, 0));

it("lists wait for what stands on top, two at once, a late one last, and a cancelled one is not asked", async () => {
  const top = held();
  const lists = Array.from({ length: 5 }, held);
  const asked: number[] = [];
  const aborts = lists.map(() => new AbortController());
  const all = lists.map((one, i) => inTurn(aborts[i]!.signal, () => (asked.push(i), one.promise), i === 0).catch(() => "cancelled"));
  const figures = onTop(() => top.promise);
  await turn();
  expect(asked).toEqual([]);
  top.end();
  await figures;
  await turn();
  expect(asked).toEqual([1, 2]);
  aborts[3]!.abort();
  lists[1]!.end();
  await turn();
  expect(asked).toEqual([1, 2, 4]);
  lists[4]!.end();
  await turn();
  expect(asked).toEqual([1, 2, 4, 0]);
  expect(await all[3]).toBe("cancelled");
  for (const one of lists) one.end();
  await Promise.all(all);
});
