// SQL as the console shows it: colours while it is typed, and which field a column of the answer is about.
const SQL_WORDS = new Set(
  "all and any array as asc between by case cast cross current_date current_timestamp date desc describe distinct else end escape except exists explain extract false filter first for from full group having ilike in inner intersect interval is join last lateral left like limit natural not null nulls offset on or order outer over partition qualify range right rows select similar table then timestamp to true try_cast union unnest using values when where window with within".split(" "),
);

/** A piece of SQL. `within`: what is still open where it ends. */
export interface SqlPiece {
  kind: "keyword" | "field" | "call" | "string" | "number" | "operator" | "comment" | null;
  end: number;
  within: "" | "comment" | "string";
}

/** The piece of a line of SQL that starts at a place which is no blank; `within` is what the piece before left open. */
export function sqlPiece(line: string, at: number, within: SqlPiece["within"]): SqlPiece {
  const until = (kind: SqlPiece["kind"], close: string, from: number, open: SqlPiece["within"]): SqlPiece => {
    const found = line.indexOf(close, from);
    return found < 0 ? { kind, end: line.length, within: open } : { kind, end: found + close.length, within: "" };
  };
  if (within === "comment") return until("comment", "*/", at, "comment");
  if (within === "string") return until("string", "'", at, "string");
  if (line.startsWith("--", at)) return { kind: "comment", end: line.length, within: "" };
  if (line.startsWith("/*", at)) return until("comment", "*/", at + 2, "comment");
  const first = line[at]!;
  if (first === "'") return until("string", "'", at + 1, "string");
  if (first === '"') return until("field", '"', at + 1, "");
  const word = /^@?[\p{L}_][\p{L}\p{N}_.$]*/u.exec(line.slice(at))?.[0];
  if (word) {
    const end = at + word.length;
    const kind = SQL_WORDS.has(word.toLowerCase()) ? "keyword" : /^\s*\(/.test(line.slice(end)) ? "call" : "field";
    return { kind, end, within: "" };
  }
  const number = /^(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?/i.exec(line.slice(at))?.[0];
  if (number) return { kind: "number", end: at + number.length, within: "" };
  return { kind: /[*+\-%<>!=&|~^/]/.test(first) ? "operator" : null, end: at + 1, within: "" };
}

/** The fields that columns of the answer are about, by the columns' names: `source.ip AS client`, `max(source.ip) AS client`. */
export function aliases(statement: string): Map<string, string> {
  const found = statement.matchAll(/(?:\b(?:min|max|first_value|last_value)\s*\(\s*)?("[^"\n]+"|@?[A-Za-z_][\w.]*)\s*(\)?)\s+AS\s+"?(\w+)"?/gi);
  return new Map([...found].filter((one) => (one[2] === ")") === one[0].includes("(")).map((one) => [one[3]!, one[1]!.replaceAll('"', "")]));
}
