/** The token of a series: what Gateway did has fixed colours, everything else takes them in turn. */
export function seriesToken(name: string, index: number): string {
  if (name === "") return "--c0";
  if (/^blocked/i.test(name)) return "--c2";
  if (/^allowed/i.test(name)) return /^allowedOnNoPolicyMatch$/.test(name) ? "--c1" : "--c5";
  if (/^overrid/i.test(name)) return "--c3";
  return `--c${(index % 6) + 1}`;
}

/** The colour of a token in the theme that is on. */
export function colour(token: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(token).trim();
}
