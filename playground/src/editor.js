// The editor: CodeMirror with the mode of .cell files, in a shadow root, so that the styles which
// it makes need no exception from the page's policy (the style attributes of its lines do).

import {
  acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, snippet,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import {
  HighlightStyle, StreamLanguage, bracketMatching, indentUnit, syntaxHighlighting,
} from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, Transaction } from "@codemirror/state";
import {
  EditorView, drawSelection, dropCursor, highlightActiveLine, highlightActiveLineGutter,
  highlightSpecialChars, hoverTooltip, keymap, lineNumbers, runScopeHandlers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { cell } from "../../editors/codemirror/cell.js";
import { el, markdown } from "./dom.js";

const look = EditorView.theme({
  "&": { height: "100%", width: "100%", fontSize: "13.5px", color: "var(--ink)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.62", padding: "8px 0" },
  ".cm-content": { caretColor: "var(--ink)", paddingRight: "16px" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { background: "none", border: "0", color: "var(--soft)" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "34px", opacity: "0.7" },
  ".cm-activeLine, .cm-activeLineGutter": { background: "color-mix(in srgb, var(--wash) 60%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "var(--select)",
  },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { background: "var(--select)" },
  ".cm-tooltip": {
    background: "var(--card)", color: "var(--ink)", border: "1px solid var(--line)",
    borderRadius: "8px", boxShadow: "0 8px 28px rgb(0 0 0 / 0.14)", overflow: "hidden",
  },
  ".cm-tooltip-autocomplete > ul > li": { padding: "3px 10px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    background: "var(--select)", color: "var(--ink)",
  },
  ".cm-completionDetail": { color: "var(--soft)", fontStyle: "normal", marginLeft: "1.4em" },
  ".about": { padding: "4px 14px 6px", maxWidth: "460px", font: "14px/1.5 var(--text)" },
  ".about p": { margin: "4px 0" },
  ".about pre": { margin: "4px 0", whiteSpace: "pre-wrap" },
  ".about code": { fontFamily: "var(--mono)", fontSize: "12.5px" },
  ".cm-diagnostic": { padding: "6px 12px", borderLeft: "3px solid var(--red)", font: "14px/1.5 var(--text)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--amber)" },
  ".cm-diagnosticAction": { background: "var(--blue)", borderRadius: "5px", font: "13px var(--text)", padding: "2px 9px", color: "var(--card)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--red) 1.2px", textUnderlineOffset: "3px" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--amber) 1.2px", textUnderlineOffset: "3px" },
  ".cm-gutter-lint": { width: "14px" },
  ".cm-lint-marker": { width: "7px", height: "7px", margin: "8px 0 0 1px", boxSizing: "border-box", borderRadius: "50%", background: "var(--red)", content: "none !important" },
  ".cm-lint-marker-warning": { background: "var(--amber)" },
  ".cm-panels": { background: "var(--wash)", color: "var(--ink)" },
});

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--keyword)" },
  { tag: tags.special(tags.variableName), color: "var(--state)" },
  { tag: tags.number, color: "var(--number)" },
  { tag: tags.comment, color: "var(--comment)", fontStyle: "italic" },
  { tag: tags.atom, color: "var(--number)", fontWeight: "bold" },
  { tag: [tags.operator, tags.bracket, tags.punctuation], color: "var(--soft)" },
  { tag: tags.invalid, color: "var(--red)" },
]);

const TYPES = { op: "function", combine: "function", hidden: "variable", block: "variable", keyword: "keyword", hole: "keyword" };

/** An editor in an element. `ask` asks Python; `onChange` and `onPlace` hear of what changes. */
export function makeEditor(parent, { text, ask, onChange, onPlace, commands }) {
  const root = parent.attachShadow({ mode: "open" });
  const complete = async (context) => {
    const before = context.matchBefore(/[\w[\]-]+/);
    if (!context.explicit && !before) return null;
    const answer = await ask("complete", { at: context.pos });
    if (!answer?.items?.length || context.aborted) return null;
    return {
      from: answer.items[0].from,
      options: answer.items.map((item) => ({
        label: item.label,
        detail: item.detail.length > 46 ? `${item.detail.slice(0, 44)}…` : item.detail,
        type: TYPES[item.kind] ?? "constant",
        apply: item.snippet ? snippet(item.text.replace(/\$(\d)/g, "$${$1}")) : item.text,
      })),
      validFor: /^[\w[\]-]*$/,
    };
  };
  const about = hoverTooltip(async (view, pos) => {
    const answer = await ask("hover", { at: pos });
    if (!answer?.markdown) return null;
    const create = () => ({ dom: el("div", { class: "about" }, markdown(answer.markdown)) });
    return { pos: answer.from, end: answer.to, create };
  });
  const view = new EditorView({
    parent: root,
    root,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(), lintGutter(), highlightActiveLineGutter(), highlightSpecialChars(),
        history(), drawSelection(), dropCursor(), bracketMatching(), closeBrackets(),
        highlightActiveLine(), highlightSelectionMatches(), indentUnit.of("    "),
        EditorState.tabSize.of(4),
        StreamLanguage.define(cell), syntaxHighlighting(colours), look,
        autocompletion({ override: [complete], icons: false }), about,
        EditorView.contentAttributes.of({ "aria-label": "Text of the cells", spellcheck: "false", autocapitalize: "off" }),
        keymap.of([
          ...commands,
          { key: "Tab", run: acceptCompletion },
          ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap,
          ...completionKeymap, ...lintKeymap,
        ]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange(update.state.doc.toString());
          if (update.docChanged || update.selectionSet) onPlace(update.state.selection.main.head);
        }),
      ],
    }),
  });
  // Whoever pressed a button, which may be gone since, still has the keys of the page.
  document.addEventListener("keydown", (event) => {
    if (!view.hasFocus && runScopeHandlers(view, event, "page")) event.preventDefault();
  });
  // The text that the findings are about; in any other, their fixes belong somewhere else.
  let checked = null;
  const edit = (edits) => {
    const changes = edits.map(({ from, to, insert }) => ({ from, to, insert }));
    view.dispatch({ changes, userEvent: "input.fix" });
  };
  const fix = (edits) => {
    if (checked?.eq(view.state.doc)) edit(edits);
  };
  return {
    view,
    edit,
    /** Edits that findings offer, as long as the text is the one they were found in. */
    fix,
    text: () => view.state.doc.toString(),
    /** Another text in place of this one; Ctrl-Z brings it back. */
    replace(other) {
      const changes = { from: 0, to: view.state.doc.length, insert: other };
      const event = Transaction.userEvent.of("input.replace");
      view.dispatch({ changes, selection: { anchor: 0 }, annotations: event, scrollIntoView: true });
    },
    select(from, to) {
      view.dispatch({ selection: { anchor: from, head: to }, scrollIntoView: true });
      view.focus();
    },
    /** Findings about the text as it is now. */
    show(findings) {
      checked = view.state.doc;
      const end = view.state.doc.length;
      const shown = findings.map((each) => ({
        from: Math.min(each.from, end),
        to: Math.min(Math.max(each.to, each.from), end),
        severity: each.severity,
        source: each.code,
        message: each.message,
        actions: each.fixes.map((offered) => ({ name: offered.title, apply: () => fix([offered]) })),
      }));
      view.dispatch(setDiagnostics(view.state, shown));
    },
  };
}
