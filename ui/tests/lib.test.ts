import { describe, expect, it } from "vitest";
import { defang, refang } from "../src/lib/defang";
import { partsOf } from "../src/lib/describe";
import { flatten, valueOf } from "../src/lib/flatten";
import { bytes, percent, short, span } from "../src/lib/format";
import { pieces, placeAt, unitsOf } from "../src/lib/lex";
import { isSafe, pivotsFor, sortOf } from "../src/lib/pivots";
import { hasHidden, isForeign, visible } from "../src/lib/visible";

describe("visible", () => {
  it("spells out what turns or hides text", () => {
    expect(visible("evil\u202egnp.exe")).toBe("evil⟨RLO⟩gnp.exe");
    expect(visible("a\u200bb\u0007c\u{e0041}")).toBe("a⟨ZWSP⟩b⟨U+0007⟩c⟨U+E0041⟩");
    expect(visible("plain.example\n\tx")).toBe("plain.example\n\tx");
    expect(hasHidden("a\u2066b")).toBe(true);
    expect(hasHidden("a\u2066b")).toBe(true);
    expect(hasHidden("ab")).toBe(false);
  });
  it("leaves letters of other scripts alone and can tell them", () => {
    expect(visible("пример.рф")).toBe("пример.рф");
    expect(isForeign("пример.рф")).toBe(true);
    expect(isForeign("www.xn--e1afmkfd.example")).toBe(true);
    expect(isForeign("www.example.com")).toBe(false);
  });
});

describe("defang", () => {
  it.each([
    ["https://evil.example/a.b", "hxxps://evil[.]example/a[.]b"],
    ["203.0.113.7", "203[.]0[.]113[.]7"],
    ["2001:db8::1", "2001[:]db8[::]1"],
    ["mara@corp.example", "mara[@]corp[.]example"],
    ["10:30", "10:30"],
  ])("%s", (plain, safe) => {
    expect(defang(plain)).toBe(safe);
    expect(refang(safe)).toBe(plain);
  });
});

describe("flatten", () => {
  const event = { "@timestamp": "t", dns: { question: { name: "a.b" }, answers: [{ data: "1" }, { data: "2" }] }, tidegate: { extra: { x: 1 } }, none: null };
  it("names fields by dots and keeps lists", () => {
    expect(flatten(event).map((one) => one.field)).toEqual(["@timestamp", "dns.answers", "dns.question.name", "tidegate.extra"]);
    expect(valueOf(event, "dns.answers.data")).toEqual(["1", "2"]);
    expect(valueOf(event, "dns.question.name")).toBe("a.b");
    expect(valueOf(event, "dns.question.nothing")).toBeUndefined();
    expect(valueOf(event, "constructor")).toBeUndefined();
    expect(valueOf(null, "a")).toBeUndefined();
  });
});

describe("describe", () => {
  it("finds values as whole words only", () => {
    const event = { dns: { question: { name: "a.example", type: "A" } }, source: { ip: "192.0.2.1" } };
    expect(partsOf("192.0.2.1 in Aachen asked for a.example (A)", event)).toEqual([
      { text: "192.0.2.1", field: "source.ip" }, { text: " in Aachen asked for " }, { text: "a.example", field: "dns.question.name" },
      { text: " (" }, { text: "A", field: "dns.question.type" }, { text: ")" },
    ]);
    expect(partsOf("192.0.2.100 asked", event)).toEqual([{ text: "192.0.2.100 asked" }]);
  });
});

describe("lex", () => {
  it("colours as the language reads", () => {
    const kinds = (query: string) => pieces(query).map((one) => `${one.kind}=${query.slice(one.start, one.end)}`).join(" ");
    expect(kinds("dns.question.name:*.bazar AND NOT (a OR \"b c\")")).toBe(
      "field=dns.question.name colon=: wildcard=*.bazar operator=AND operator=NOT paren=( text=a operator=OR phrase=\"b c\" paren=)",
    );
    expect(kinds("a:>=5 -b:/x y/ @timestamp:[now-2h TO *]")).toBe(
      "field=a colon=: compare=>= text=5 operator=- field=b colon=: regex=/x y/ field=@timestamp colon=: range=[now-2h TO *]",
    );
    expect(kinds('a:"open')).toBe('field=a colon=: phrase="open');
    expect(kinds("a:-5 b-c")).toBe("field=a colon=: text=-5 text=b-c");
  });
  it("covers every character but blanks, in order, whatever is typed", () => {
    for (const query of ["a:", "::", "\\", '"\\', "/", "[", "[a TO", "((", "😀:x", "a:/\\", "-", "! x", "a\\"]) {
      let end = 0;
      for (const piece of pieces(query)) {
        expect(query.slice(end, piece.start).trim()).toBe("");
        expect(piece.end).toBeGreaterThan(piece.start);
        end = piece.end;
      }
      expect(query.slice(end).trim()).toBe("");
    }
  });
  it("knows where the cursor is", () => {
    expect(placeAt("dns.q", 5)).toEqual({ in: "field", start: 0, typed: "dns.q" });
    expect(placeAt("a AND dns.response_code:NX", 26)).toEqual({ in: "value", field: "dns.response_code", start: 24, typed: "NX", quoted: false });
    expect(placeAt('rule.name:"Block m', 18)).toEqual({ in: "value", field: "rule.name", start: 10, typed: "Block m", quoted: true });
    expect(placeAt("a:b c", 5)).toEqual({ in: "field", start: 4, typed: "c" });
    expect(placeAt("user.name:(alice OR b", 21)).toMatchObject({ in: "value", field: "user.name", typed: "b" });
  });
  it("counts characters as the server does", () => {
    expect(unitsOf("😀a", 1)).toBe(2);
    expect(unitsOf("ab", 9)).toBe(2);
  });
});

describe("pivots", () => {
  it("tells values apart", () => {
    expect(sortOf("dns.question.name", "evil.example")).toBe("domain");
    expect(sortOf("source.ip", "2001:db8::1")).toBe("ip");
    expect(sortOf("dns.answers.data", "192.0.2.1")).toBe("ip");
    expect(sortOf("user.email", "a@b.example")).toBe("email");
    expect(sortOf("cloudflare.Location", "Office Rome")).toBe("other");
  });
  it("never lets a value or a template become another kind of link", () => {
    const links = pivotsFor("dns.question.name", "a.example/?x=<img onerror=1>#", [{ name: "own", sort: "any", url: "https://own.example/?d={value}" }]);
    for (const link of links) expect(link.href).not.toContain("<");
    expect(isSafe("javascript:alert('{value}')")).toBe(false);
    expect(isSafe("https://{value}/")).toBe(false);
    expect(isSafe("https://own.example/")).toBe(false);
    expect(isSafe("https://own.example/{value}")).toBe(true);
  });
});

describe("format", () => {
  it("is short and honest", () => {
    expect(percent(0.0001)).toBe("< 0.1 %");
    expect(percent(0)).toBe("0.0 %");
    expect(percent(0.9999)).toBe("> 99.9 %");
    expect(bytes(1536)).toBe("1.5 KiB");
    expect(bytes(999)).toBe("999 B");
    expect(short(1_234_567)).toBe("1.2M");
    expect(span(7200)).toBe("2 h");
  });
});
