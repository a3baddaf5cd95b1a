// Who asks first.

/** Lists of one page that ask at the same time: more would only slow each other, and what is on top, down. */
const AT_ONCE_MAX = 2;
let running = 0;
let first = 0;
let last: Promise<void> = Promise.resolve();
const waiting: (() => void)[] = [];
const waitingLate: (() => void)[] = [];

function next(): void {
  while (first === 0 && running < AT_ONCE_MAX) {
    const go = waiting.shift() ?? waitingLate.shift();
    if (!go) return;
    running += 1;
    go();
  }
}

/** Asks for what stands on top of a page, one after the other: lists wait for it. */
export async function onTop<T>(question: () => Promise<T>): Promise<T> {
  first += 1;
  const before = last;
  let end = () => {};
  last = new Promise((done) => (end = done));
  await before;
  try {
    return await question();
  } finally {
    end();
    first -= 1;
    next();
  }
}

/** Asks when it is its turn, `late` after all others; a question that was cancelled meanwhile is not asked. */
export async function inTurn<T>(signal: AbortSignal, question: () => Promise<T>, late = false): Promise<T> {
  await new Promise<void>((go) => {
    (late ? waitingLate : waiting).push(go);
    // Not at once: what stands on top asks in the same moment, and may come later.
    queueMicrotask(next);
  });
  try {
    signal.throwIfAborted();
    return await question();
  } finally {
    running -= 1;
    next();
  }
}
