// Colours for the query line while it is typed. The server's own pieces (`events/parse`) decide what is right; this only
// has to agree on ordinary text and never be slow.

/** A coloured piece. */
export interface Piece {
  kind: "field" | "colon" | "operator" | "paren" | "text" | "phrase" | "wildcard" | "regex" | "compare" | "range";
  start: number;
  end: number;
}

const RULES: [Piece["kind"], RegExp][] = [
  ["phrase", /"(?:[^"\\]|\\.)*"?/y],
  ["regex", /\/(?:[^/\\\n]|\\.)+\/?/y],
  ["range", /[[{](?=[^\]}]*\bTO\b)[^\]}]*[\]}]?/y],
  ["operator", /(?:AND|OR|NOT)(?=[\s()]|$)|&&|\|\|/y],
  ["paren", /[()]/y],
  ["field", /@?[A-Za-z_][\w.-]*(?=\s?:)/y],
  ["colon", /:/y],
  ["compare", /[<>]=?/y],
  ["wildcard", /(?:[^\s():"\\]|\\.)*[*?](?:[^\s():"\\]|\\.)*/y],
  ["text", /(?:[^\s():"\\]|\\.)+/y],
];

/** The pieces of a query, blanks left out. */
export function pieces(query: string): Piece[] {
  const out: Piece[] = [];
  let at = 0;
  while (at < query.length) {
    const first = query[at]!;
    if (/\s/.test(first)) {
      at += 1;
      continue;
    }
    const previous = out.at(-1);
    if ((first === "!" || first === "-") && previous?.kind !== "colon" && previous?.end !== at) {
      out.push({ kind: "operator", start: at, end: (at += 1) });
      continue;
    }
    const found = match(query, at);
    out.push({ kind: found.kind, start: at, end: found.end });
    at = found.end;
  }
  return out;
}

function match(query: string, at: number): { kind: Piece["kind"]; end: number } {
  for (const [kind, rule] of RULES) {
    rule.lastIndex = at;
    const found = rule.exec(query);
    if (found && found[0].length > 0) return { kind, end: at + found[0].length };
  }
  return { kind: "text", end: at + 1 };
}

/** Where the cursor is: in the name of a field, or in the value of one. */
export type Place = { in: "field"; start: number; typed: string } | { in: "value"; field: string; start: number; typed: string; quoted: boolean };

/** What could be completed at the cursor. */
export function placeAt(query: string, cursor: number): Place {
  const before = query.slice(0, cursor);
  const value = /(?:^|[\s(!-])(@?[A-Za-z_][\w.-]*)\s?:\s?(?:\((?:[^()]*\s)?)?("?)([^\s"()]*|(?<=")[^"]*)$/.exec(before);
  if (value) {
    const typed = value[3] ?? "";
    return { in: "value", field: value[1]!, start: cursor - typed.length - value[2]!.length, typed, quoted: value[2] === '"' };
  }
  const word = /@?[\w.-]*$/.exec(before)?.[0] ?? "";
  const typed = word.replace(/^-/, "");
  return { in: "field", start: cursor - typed.length, typed };
}

/** A position in characters (code points, as the server counts) as one in UTF-16 units (as the browser counts). */
export function unitsOf(query: string, characters: number): number {
  let units = 0;
  for (const character of query) {
    if (characters-- <= 0) break;
    units += character.length;
  }
  return units;
}
