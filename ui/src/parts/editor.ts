// The query line: CodeMirror in a shadow root, because only there it styles itself without inline style elements,
// which our policy forbids.
import { acceptCompletion, autocompletion, closeBrackets, closeCompletion, completionKeymap, completionStatus, moveCompletionSelection, selectedCompletionIndex, type Completion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { lintGutter, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { Compartment, EditorState, Prec, RangeSetBuilder } from "@codemirror/state";
import { Decoration, EditorView, highlightSpecialChars, keymap, lineNumbers, placeholder, ViewPlugin, type DecorationSet, type ViewUpdate } from "@codemirror/view";
import { pieces, placeAt } from "../lib/lex";
import { quote } from "../lib/query";
import { HIDDEN, visible } from "../lib/visible";
import { coloured, type Language } from "./languages";

/** A field that can be completed. */
export interface FieldHint {
  name: string;
  kind: string;
  coverage: number;
}

export interface QueryOptions {
  parent: HTMLElement;
  text: string;
  label: string;
  hint: string;
  onchange: (text: string) => void;
  onrun: (text: string) => void;
  fields: () => FieldHint[];
  values: (field: string, typed: string, abort: AbortController) => Promise<{ value: string; count: number }[]>;
}

const look = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "transparent", fontSize: "13px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "20px", maxHeight: "104px", overflow: "auto" },
  ".cm-content": { padding: "5px 0", caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-placeholder": { color: "var(--faint)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "var(--accent-soft)" },
  ".cm-tooltip": { background: "var(--raised)", border: "1px solid var(--line)", borderRadius: "7px", color: "var(--text)", boxShadow: "var(--shadow)", zIndex: "70" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "12px", maxHeight: "300px", minWidth: "320px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "3px 8px", display: "flex", gap: "12px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { background: "var(--accent-soft)", color: "var(--text)" },
  ".cm-completionLabel": { flex: "1", overflow: "hidden", textOverflow: "ellipsis" },
  ".cm-completionDetail": { color: "var(--faint)", fontStyle: "normal", marginLeft: "auto" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700", color: "var(--accent)" },
  ".cm-completionIcon": { display: "none" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad)", textUnderlineOffset: "3px" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--warn)", textUnderlineOffset: "3px" },
  ".cm-diagnostic": { fontFamily: "var(--sans)", padding: "4px 10px", borderLeft: "3px solid var(--bad)" },
  ".cm-gutters": { background: "var(--sunk)", color: "var(--faint)", border: "0" },
  ".tok-field": { color: "var(--tok-field)", fontWeight: "600" },
  ".tok-colon": { color: "var(--faint)" },
  ".tok-operator, .tok-compare": { color: "var(--tok-op)", fontWeight: "600" },
  ".tok-paren": { color: "var(--tok-op)" },
  ".tok-phrase": { color: "var(--tok-str)" },
  ".tok-wildcard, .tok-regex": { color: "var(--tok-wild)" },
  ".tok-hidden": { background: "var(--warn-soft)", color: "var(--warn)" },
  ".tok-range": { color: "var(--tok-num)" },
});

const MARKS = new Map(["field", "colon", "operator", "compare", "paren", "phrase", "wildcard", "regex", "range", "text"].map((kind) => [kind, Decoration.mark({ class: `tok-${kind}` })]));

const colours = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;
    constructor(view: EditorView) {
      this.decorations = paint(view);
    }
    update(update: ViewUpdate) {
      if (update.docChanged) this.decorations = paint(update.view);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

function paint(view: EditorView): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  for (const piece of pieces(view.state.doc.toString())) {
    const mark = MARKS.get(piece.kind);
    if (mark) builder.add(piece.start, piece.end, mark);
  }
  return builder.finish();
}

/** Hidden characters spelled out, as everywhere. */
const spelled = highlightSpecialChars({
  specialChars: new RegExp(HIDDEN),
  render(code) {
    const shown = document.createElement("span");
    shown.className = "tok-hidden";
    shown.textContent = visible(String.fromCodePoint(code));
    return shown;
  },
});

function complete(options: QueryOptions): (context: CompletionContext) => Promise<CompletionResult | null> {
  return async (context) => {
    const place = placeAt(context.state.doc.toString(), context.pos);
    if (place.in === "field") {
      if (place.typed === "" && !context.explicit) return null;
      const found: Completion[] = options.fields().map((field) => ({
        label: field.name, apply: `${field.name}:`, type: "property", boost: Math.round(field.coverage * 40),
        detail: `${field.kind.replace("_list", "[]")}${field.coverage > 0 ? ` · ${Math.round(field.coverage * 100)} %` : ""}`,
      }));
      const words = ["AND", "OR", "NOT"].map((word) => ({ label: word, apply: word + " ", type: "keyword", detail: "operator", boost: place.typed === "" ? 60 : 0 }));
      return { from: place.start, options: [...found, ...words], validFor: /^@?[\w.-]*$/ };
    }
    const abort = new AbortController();
    context.addEventListener("abort", () => abort.abort(), { onDocChange: true });
    try {
      const values = await options.values(place.field, place.typed, abort);
      if (context.aborted) return null;
      return { from: place.start, filter: false, options: values.map((one) => ({ label: one.value.slice(0, 200), apply: quote(one.value), detail: one.count.toLocaleString("en-GB"), type: "text" })) };
    } catch {
      return null;
    }
  };
}

/** The query line with its colours, completion and mistakes. */
export function queryEditor(options: QueryOptions) {
  const root = options.parent.shadowRoot ?? options.parent.attachShadow({ mode: "open", delegatesFocus: true });
  const run = (view: EditorView) => {
    closeCompletion(view);
    options.onrun(view.state.doc.toString());
    return true;
  };
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        history(), colours, spelled, look, closeBrackets(), EditorView.lineWrapping, placeholder(options.hint),
        autocompletion({ override: [complete(options)], activateOnTypingDelay: 120, activateOnCompletion: (one) => one.type === "property", selectOnOpen: false, interactionDelay: 0, icons: false, maxRenderedOptions: 60 }),
        Prec.highest(keymap.of([
          ...completionKeymap,
          { key: "Tab", run: (v) => completionStatus(v.state) === "active" && (selectedCompletionIndex(v.state) === null && moveCompletionSelection(true)(v), acceptCompletion(v)) },
          { key: "Mod-Enter", run: (v) => (closeCompletion(v), options.onrun(v.state.doc.toString()), true) },
          { key: "Enter", run },
          { key: "Escape", run: (v) => closeCompletion(v) || (v.contentDOM.blur(), true) },
        ])),
        keymap.of([...defaultKeymap, ...historyKeymap]),
        // One line for people; pasted line breaks become blanks.
        EditorState.transactionFilter.of((tr) => (tr.newDoc.lines > 1 && tr.docChanged ? [{ changes: { from: 0, to: tr.startState.doc.length, insert: tr.newDoc.toString().replace(/\s*\n\s*/g, " ") }, selection: { anchor: Math.min(tr.newSelection.main.head, tr.newDoc.toString().replace(/\s*\n\s*/g, " ").length) } }] : tr)),
        EditorView.contentAttributes.of({ "aria-label": options.label, spellcheck: "false", autocapitalize: "off", autocorrect: "off" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) options.onchange(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    view,
    /** Replaces the text without telling anyone. */
    set(text: string) {
      if (text !== view.state.doc.toString()) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    mark(found: Diagnostic[]) {
      const length = view.state.doc.length;
      view.dispatch(setDiagnostics(view.state, found.map((one) => ({ ...one, from: Math.min(one.from, length), to: Math.min(Math.max(one.to, one.from), length) }))));
    },
  };
}

/** A plain editor for text of several lines: SQL, rules. Mistakes are given by line and column. */
export function textEditor(options: { parent: HTMLElement; text: string; label: string; language?: Language; readonly?: boolean; onchange?: (text: string) => void; onrun?: () => void; words?: () => Completion[] }) {
  const root = options.parent.shadowRoot ?? options.parent.attachShadow({ mode: "open", delegatesFocus: true });
  const frozen = new Compartment();
  const words = options.words;
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        history(), lineNumbers(), spelled, ...(options.readonly ? [] : [lintGutter(), closeBrackets()]), ...(options.language ? [coloured(options.language)] : []), EditorView.lineWrapping,
        // What stands first wins.
        EditorView.theme({ "&": { height: "100%" }, ".cm-scroller": { maxHeight: "none", fontSize: "12.5px" } }), look,
        frozen.of(EditorState.readOnly.of(options.readonly === true)),
        ...(words ? [autocompletion({ icons: false, override: [(context) => {
          const word = context.matchBefore(/[@\w.]+/);
          return word || context.explicit ? { from: word?.from ?? context.pos, options: words(), validFor: /^[@\w.]*$/ } : null;
        }] })] : []),
        Prec.highest(keymap.of([...completionKeymap, { key: "Tab", run: acceptCompletion }, { key: "Mod-Enter", run: () => (options.onrun?.(), true) }, { key: "Escape", run: (v) => (v.contentDOM.blur(), true) }])),
        keymap.of([...defaultKeymap, ...historyKeymap]),
        EditorView.contentAttributes.of({ "aria-label": options.label, spellcheck: "false", ...(options.readonly ? { "aria-readonly": "true" } : {}) }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) options.onchange?.(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    view,
    set(text: string) {
      if (text !== view.state.doc.toString()) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    mark(problems: { line: number; column: number; severity: "error" | "warning"; message: string }[]) {
      const doc = view.state.doc;
      view.dispatch(setDiagnostics(view.state, problems.map((one) => {
        const line = doc.line(Math.max(1, Math.min(one.line, doc.lines)));
        const from = Math.min(line.from + Math.max(0, one.column - 1), line.to);
        return { from, to: Math.max(from, line.to), severity: one.severity, message: one.message };
      })));
    },
    markSpan(from: number, to: number, message: string) {
      const length = view.state.doc.length;
      view.dispatch(setDiagnostics(view.state, [{ from: Math.min(from, length), to: Math.min(to, length), severity: "error", message }]));
    },
    clear() {
      view.dispatch(setDiagnostics(view.state, []));
    },
  };
}
