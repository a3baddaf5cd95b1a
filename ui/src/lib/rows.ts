// Which rows of a long list are drawn.

/** Rows that are drawn, and how high those are that are not, above and below them. */
export interface InSight { first: number; last: number; above: number; below: number }

/** The rows between `top` and `top + height` of a list, and those that are not farther than `ahead` from there. */
export function inSight(rows: number, heightOf: (row: number) => number, top: number, height: number, ahead: number): InSight {
  let [first, last, above, at] = [0, 0, 0, 0];
  for (let row = 0; row < rows; row++) {
    const next = at + heightOf(row);
    if (next < top - ahead) [first, above] = [row + 1, next];
    if (at <= top + height + ahead) last = row + 1;
    at = next;
  }
  // Above a list that begins below the window nothing is left out; past its end its last row is kept.
  if (first >= last) {
    first = Math.max(0, last - 1);
    above = first === 0 ? 0 : above - heightOf(first);
  }
  let below = 0;
  for (let row = last; row < rows; row++) below += heightOf(row);
  return { first, last, above, below };
}
