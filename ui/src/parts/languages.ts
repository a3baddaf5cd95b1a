// Colours of SQL and of YAML in the editors, by the tokens of the query line.
import { HighlightStyle, StreamLanguage, syntaxHighlighting, type StreamParser } from "@codemirror/language";
import { yaml } from "@codemirror/legacy-modes/mode/yaml";
import type { Extension } from "@codemirror/state";
import { tags } from "@lezer/highlight";
import { sqlPiece } from "../lib/sql";

const style = HighlightStyle.define([
  { tag: [tags.keyword, tags.operator], color: "var(--tok-op)" },
  { tag: [tags.propertyName, tags.atom], color: "var(--tok-field)" },
  { tag: tags.string, color: "var(--tok-str)" },
  { tag: [tags.number, tags.bool], color: "var(--tok-num)" },
  { tag: tags.function(tags.variableName), color: "var(--tok-wild)" },
  { tag: tags.comment, color: "var(--faint)", fontStyle: "italic" },
  { tag: [tags.meta, tags.definition(tags.variableName)], color: "var(--faint)" },
]);

// Not one of the ready-made dialects: to them `user.email` is a keyword and a word, here it is a field.
const sql: StreamParser<{ within: "" | "comment" | "string" }> = {
  name: "sql",
  startState: () => ({ within: "" }),
  token(stream, state) {
    if (stream.eatSpace()) return null;
    const piece = sqlPiece(stream.string, stream.pos, state.within);
    stream.pos = piece.end;
    state.within = piece.within;
    return piece.kind;
  },
  languageData: { commentTokens: { line: "--", block: { open: "/*", close: "*/" } } },
  tokenTable: { field: tags.propertyName, call: tags.function(tags.variableName) },
};

const LANGUAGES = { sql: StreamLanguage.define(sql), yaml: StreamLanguage.define(yaml) };

/** What an editor can colour. */
export type Language = keyof typeof LANGUAGES;

/** The extension that colours a language. */
export function coloured(language: Language): Extension {
  return [LANGUAGES[language], syntaxHighlighting(style)];
}
