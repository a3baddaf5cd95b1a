import { describe, expect, it } from "vitest";
import { aliases, sqlPiece, type SqlPiece } from "../src/lib/sql";

describe("SQL in colours", () => {
  const kinds = (...lines: string[]) => {
    const out: string[] = [];
    let within: SqlPiece["within"] = "";
    for (const line of lines) {
      for (let at = 0; at < line.length; ) {
        if (/\s/.test(line[at]!)) {
          at += 1;
          continue;
        }
        const piece = sqlPiece(line, at, within);
        expect(piece.end).toBeGreaterThan(at);
        out.push(`${piece.kind}=${line.slice(at, piece.end)}`);
        [at, within] = [piece.end, piece.within];
      }
    }
    return out.join(" ");
  };
  it.each([
    ["select user.email, count(*)", "keyword=select field=user.email null=, call=count null=( operator=* null=)"],
    [`"@timestamp" >= '2026-11-20'`, "field=\"@timestamp\" operator=> operator== string='2026-11-20'"],
    ["@timestamp<now()", "field=@timestamp operator=< call=now null=( null=)"],
    ["LIMIT 1.5e3 -- all; 'of' it", "keyword=LIMIT number=1.5e3 comment=-- all; 'of' it"],
    ["'it''s'", "string='it' string='s'"],
    ["'open", "string='open"],
    ['"open', 'field="open'],
    ["\u{1f600} 1", "null=\ud83d null=\ude00 number=1"],
  ])("%s", (line, expected) => expect(kinds(line)).toBe(expected));
  it("knows what a line left open", () => {
    expect(kinds("/* a", "from */ from")).toBe("comment=/* a comment=from */ keyword=from");
    expect(kinds("'a", "from' from")).toBe("string='a string=from' keyword=from");
  });
});

describe("columns", () => {
  it.each([
    ["SELECT source.ip AS client, dns.question.name FROM events", [["client", "source.ip"]]],
    ['SELECT min( "source.ip" ) AS a, max(user.email) as "b" FROM events', [["a", "source.ip"], ["b", "user.email"]]],
    ["SELECT count(DISTINCT source.ip) AS clients, upper(user.email) AS u FROM events", []],
  ])("%s", (statement, known) => expect([...aliases(statement)]).toEqual(known));
});
