const LEVELS: Record<string, string> = { critical: "--c7", high: "--c2", medium: "--c3", low: "--c1", informational: "--c0" };

/** The token of a series: levels and what Gateway did have fixed colours, everything else takes them in turn. */
export function seriesToken(name: string, index: number): string {
  if (name === "") return "--c0";
  if (Object.hasOwn(LEVELS, name)) return LEVELS[name]!;
  if (name === "blockedRule") return "--c7";
  if (/^blocked/i.test(name)) return name === "blockedByCategory" ? "--c2" : "--c8";
  if (/^allowed/i.test(name)) return /^allowedOnNoPolicyMatch$/.test(name) ? "--c1" : "--c5";
  if (/^overrid/i.test(name)) return "--c3";
  return `--c${(index % 6) + 1}`;
}

/** The class that gives a legend's dot the colour of its series. */
export function dotClass(name: string, index: number): string {
  return `dot d${seriesToken(name, index).slice(-1)}`;
}

/** The colour of a token in the theme that is on. */
export function colour(token: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(token).trim();
}
