// DNS names and user agents are chosen by attackers. Markup is the framework's business; what it does not stop is
// characters that turn the direction of text, hide, or look like nothing. They are shown as what they are.

const NAMES: Record<number, string> = {
  0x00ad: "SHY", 0x034f: "CGJ", 0x061c: "ALM", 0x115f: "HCF", 0x1160: "HJF", 0x180e: "MVS",
  0x200b: "ZWSP", 0x200c: "ZWNJ", 0x200d: "ZWJ", 0x200e: "LRM", 0x200f: "RLM",
  0x2028: "LSEP", 0x2029: "PSEP",
  0x202a: "LRE", 0x202b: "RLE", 0x202c: "PDF", 0x202d: "LRO", 0x202e: "RLO",
  0x2060: "WJ", 0x2066: "LRI", 0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI",
  0x3164: "HF", 0xfeff: "BOM", 0xffa0: "HHF",
};

/** A character that turns the direction of text, hides, or looks like nothing. */
export const HIDDEN =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/** The text with every hidden or direction-turning character spelled out as `⟨RLO⟩` or `⟨U+0007⟩`. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (found) => {
    const point = found.codePointAt(0) ?? 0;
    return `⟨${NAMES[point] ?? "U+" + point.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}

/** Whether `visible` would change the text. */
export function hasHidden(text: string): boolean {
  HIDDEN.lastIndex = 0;
  const found = HIDDEN.test(text);
  HIDDEN.lastIndex = 0;
  return found;
}

/** Whether a name is written in more than plain ASCII, or is the coded form of such a one. */
export function isForeign(name: string): boolean {
  // eslint-disable-next-line no-control-regex
  return /[^\u0000-\u007f]/.test(name) || /(^|\.)xn--/i.test(name);
}
