// Who asks first.

/** Lists of one page that ask at the same time: more would only slow each other, and what is on top, down. */
const AT_ONCE_MAX = 3;
let running = 0;
let first = 0;
const waiting: (() => void)[] = [];

function next(): void {
  while (first === 0 && running < AT_ONCE_MAX && waiting.length > 0) {
    running += 1;
    waiting.shift()!();
  }
}

/** Asks for what stands on top of a page: lists wait for it. */
export async function onTop<T>(question: () => Promise<T>): Promise<T> {
  first += 1;
  try {
    return await question();
  } finally {
    first -= 1;
    next();
  }
}

/** Asks when it is its turn; a question that was cancelled meanwhile is not asked. */
export async function inTurn<T>(signal: AbortSignal, question: () => Promise<T>): Promise<T> {
  await new Promise<void>((go) => {
    waiting.push(go);
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
