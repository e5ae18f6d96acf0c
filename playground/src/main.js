// The page: its state, and what happens when something changes.

import { el, markdown, words } from "./dom.js";
import { makeEditor } from "./editor.js";
import * as link from "./link.js";
import { Python } from "./python.js";
import { png } from "./svg.js";
import { TABS, choices, shown } from "./tabs.js";
import { TEMPLATES } from "./templates.js";

const $ = (id) => document.getElementById(id);
const FIRST = "nasnet_a";

const page = {
  tab: "cells", kind: "", name: "cells", blocks: [], settings: {}, seed: 0, changes: 0,
  other: "darts_v2", genotypes: [], mutation: null, varied: new Map(),
  blockOf: (box) => page.blocks.find((each) => each.box === box.replace(/\.(left|right)$/, "")),
  goTo: ({ from, to }) => editor.select(from, to),
  open: (text) => editor.replace(text),
  set(settings) {
    page.settings = settings;
    look();
  },
  compare(name) {
    page.other = name;
    look();
  },
  draw() {
    page.seed += 1;
    page.varied.clear();
    look();
  },
  async mutate() {
    page.seed += 1;
    const answer = await aboutThisText(view("mutated", undefined, "act"));
    if (answer?.problem) say(answer.problem[0].message);
    if (answer?.text) {
      editor.replace(answer.text);
      page.mutation = answer.sentences;
    }
  },
  /** Take one decision of a genotype otherwise, and show it in the place of the one that was drawn. */
  async vary(of, drawn) {
    page.changes += 1;
    const answer = await view("mutated", undefined, "act", { of, seed: page.changes });
    if (answer?.problem) say(answer.problem[0].message);
    if (!answer?.svg) return;
    page.varied.set(drawn, answer);
    look();
  },
  choose: (tab) => {
    choose(tab, true);
    remember();
  },
  copy, save,
};

// -- light and dark ------------------------------------------------------------------------

const dark = matchMedia("(prefers-color-scheme: dark)");
let theme = stored("theme");
function stored(key, value) {
  try {
    if (value === undefined) return localStorage.getItem(`nasdsl.${key}`);
    localStorage.setItem(`nasdsl.${key}`, value);
  } catch {
    // A browser that keeps nothing shows the page all the same.
  }
  return null;
}
const isDark = () => (theme ? theme === "dark" : dark.matches);
function paint() {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
}
paint();
dark.addEventListener("change", () => { paint(); look(); });
$("theme").addEventListener("click", () => {
  theme = isDark() ? "light" : "dark";
  stored("theme", theme);
  paint();
  look();
});

// -- Python ----------------------------------------------------------------------------------

const python = new Python((state, data) => {
  if (state === "ready") {
    performance.mark("python-ready");
    say(`Python is ready (${(data.milliseconds / 1000).toFixed(1)} s)`);
    if (editor) changed(editor.text(), true);
  } else if (state === "failed") {
    say(`Python could not be started in this browser${data?.reason ? `: ${data.reason}` : ""}.`);
  } else say("Starting Python in this page…");
});
const ask = (kind, question, lane = kind) =>
  python.ask(kind, { text: editor.text(), ...question }, lane);
const view = (tab, text, lane = "view", more = {}) =>
  ask("view", {
    tab,
    ...(text === undefined ? {} : { text }),
    options: {
      theme: isDark() ? "dark" : "light", apart: narrow.matches, seed: page.seed,
      other: page.other, settings: page.settings, ...more,
    },
  }, lane);

/** An answer that changes the text; none where something was typed while it was waited for. */
async function aboutThisText(asked) {
  const text = editor.text();
  const answer = await asked;
  if (answer === null || text === editor.text()) return answer;
  say("The text has changed meanwhile; try again.");
  return null;
}

function say(text) {
  $("status").textContent = text;
}

// -- the text --------------------------------------------------------------------------------

let editor = null;
let findings = [];
let sharing = 0;

async function changed(text, again = false) {
  if (!again) {
    page.mutation = null;
    page.varied.clear();
    clearTimeout(sharing);
    sharing = setTimeout(remember, 250);
  }
  if (!python.ready) return;
  performance.mark("key");
  // Both are asked for at once, and Python answers one after the other.
  const [checking, looking] = [ask("check", { text }), look(text)];
  const answer = await checking;
  if (answer === null || text !== editor.text()) return;
  page.kind = answer.kind ?? "broken";
  page.blocks = answer.blocks ?? [];
  if (answer.name) page.name = answer.name;
  findings = answer.findings ?? answer.problem.map((each) => ({ ...each, from: 0, to: 0, fixes: [], line: 1 }));
  editor.show(findings);
  list(findings, answer.safe ?? []);
  performance.measure("key-to-findings", "key");
  await looking;
}

function list(found, safe) {
  const counts = ["error", "warning"].map((severity) =>
    [severity, found.filter((each) => each.severity === severity).length]);
  const said = counts.filter(([, count]) => count)
    .map(([severity, count]) => `${count} ${severity}${count === 1 ? "" : "s"}`).join(", ");
  const about = { genotype: "genotype", space: "space", vocabulary: "vocabulary" }[page.kind];
  say(said || (about ? `A sound ${about}` : ""));
  $("findings").replaceChildren(
    ...(safe.length > 1
      ? [el("div", { class: "all" },
          el("button", { click: () => editor.fix(safe) }, `Fix ${safe.length} at once`),
          el("span", { class: "quiet" }, "Nothing else can be meant."))]
      : []),
    ...found.slice(0, 50).map((each) =>
      el("div", { class: `finding ${each.severity}` },
        el("p", {},
          el("button", { class: "where", title: "Go there",
            click: () => editor.select(each.from, each.to) }, `Line ${each.line}`),
          "  ", words(each.message), each.label ? [" — ", words(each.label)] : null),
        each.hints.map((hint) => el("p", { class: "hint" }, words(hint))),
        el("div", { class: "acts" },
          each.fixes.map((fix) => el("button", { click: () => editor.fix([fix]) }, words(fix.title))),
          each.code
            ? el("button", { class: "plain", click: () => explain(each.code) }, `Why? ${each.code}`)
            : null))));
}

async function explain(code) {
  const answer = await ask("explain", { code }, "act");
  if (!answer?.markdown) return;
  const close = el("button", { click: () => dialog.close() }, "Close");
  const dialog = el("dialog", { "aria-label": code }, el("div", { class: "prose" }, markdown(answer.markdown)), close);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** Mark the block in which the cursor stands. */
function mark(at) {
  const here = page.blocks.find((each) => each.from <= at && at <= each.to);
  for (const marked of $("panel").querySelectorAll(".here")) marked.classList.remove("here");
  if (!here || page.tab !== "cells") return;
  const ids = [here.box, `${here.box}.left`, `${here.box}.right`].map((id) => CSS.escape(id));
  for (const id of ids) {
    const parts = `[data-box="${id}"], [data-head="${id}"]`;
    for (const part of $("panel").querySelectorAll(parts)) part.classList.add("here");
  }
}

// -- tabs ------------------------------------------------------------------------------------

const [controls, body] = [el("div"), el("div", { id: "view" })];
$("panel").append(controls, body);
const controlsOf = choices(page);

const narrow = matchMedia("(max-width: 860px)");
narrow.addEventListener("change", () => look());

/** Show the tab: of the text, or while it has mistakes, of the last one that had none. */
async function look(text = editor?.text()) {
  if (!python.ready) return;
  const tab = page.tab;
  let answer = await view(tab, text);
  if (answer === null || tab !== page.tab) return;
  const broken = Boolean(answer.problem) && page.kind === "broken";
  if (broken && page.sound) {
    answer = await view(tab, page.sound);
    if (answer === null || tab !== page.tab) return;
  }
  if (!broken) page.sound = text;
  const nothing = broken && !page.sound;
  $("panel").classList.toggle("stale", broken && !nothing);
  $("panel").dataset.tab = tab;
  const control = nothing ? null : controlsOf(tab, answer);
  if (control !== controls.firstElementChild) controls.replaceChildren(...(control ? [control] : []));
  body.replaceChildren(
    ...(broken
      ? [el("p", { class: "notice" }, nothing
          ? "This appears when the text has no mistakes."
          : "This is the text as it was before the mistakes.")]
      : []),
    ...(nothing ? [] : shown(tab, answer, page)));
  mark(editor.view.state.selection.main.head);
  performance.mark("shown");
  performance.measure("key-to-view", "key");
}

function choose(tab, focus = false) {
  page.tab = tab;
  for (const each of $("tabs").children) {
    const chosen = each.dataset.tab === tab;
    each.setAttribute("aria-selected", String(chosen));
    each.tabIndex = chosen ? 0 : -1;
    if (chosen && focus) each.focus();
    if (chosen) {
      $("panel").setAttribute("aria-labelledby", each.id);
      each.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }
  if ($("panel").dataset.tab !== tab) {
    $("panel").classList.remove("stale");
    controls.replaceChildren();
    body.replaceChildren(el("p", { class: "wait" }, python.ready ? "" : "Python is starting…"));
  }
  look();
}

$("tabs").append(...Object.entries(TABS).map(([tab, title]) =>
  el("button", {
    role: "tab", id: `tab-${tab}`, "aria-controls": "panel", "data-tab": tab,
    click: () => { choose(tab); remember(); },
  }, title)));
$("tabs").addEventListener("keydown", (event) => {
  const names = Object.keys(TABS);
  const steps = { ArrowRight: 1, ArrowLeft: -1, Home: -names.indexOf(page.tab), End: -1 - names.indexOf(page.tab) };
  if (!(event.key in steps)) return;
  event.preventDefault();
  const at = (names.indexOf(page.tab) + steps[event.key] + names.length) % names.length;
  choose(names[at], true);
  remember();
});

// -- links and files -------------------------------------------------------------------------

let own = "";
let writings = 0;
let readings = 0;
async function remember() {
  const [turn, before] = [writings += 1, location.hash];
  const written = await link.written(editor.text(), page.tab);
  // A link that somebody followed meanwhile stays, or it would never be read.
  if (turn !== writings || ![before, own].includes(location.hash)) return;
  own = written;
  history.replaceState(null, "", own);
}

async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    say(said);
  } catch {
    say("The browser did not allow copying; the address of this page is the link.");
  }
}

async function share() {
  remember();
  const written = await link.written(editor.text(), page.tab);
  if ((await link.read(written)).text === null) {
    say("No link carries this text, which is too long or hardly visible; Save makes a file of it.");
    return;
  }
  await copy(new URL(written, location.href).href, "The link is copied; it carries the text.");
}
$("share").addEventListener("click", share);

async function format() {
  const answer = await aboutThisText(ask("format", {}, "act"));
  if (answer?.edits?.length) editor.edit(answer.edits);
  else if (answer) say("The text is in the one style, or has mistakes.");
}
$("format").addEventListener("click", format);

async function save(form) {
  $("save").open = false;
  const name = /^\w{1,60}$/.test(page.name) ? page.name : "cells";
  if (form === "cell") return download(new Blob([editor.text()], { type: "text/plain" }), `${name}.cell`);
  const answer = await view(form === "py" ? "source" : "drawing", undefined, form);
  if (!answer || answer.problem) {
    const why = answer?.problem?.[0].message;
    say(`Nothing was saved${why ? `: ${why}` : ""}.`);
    return;
  }
  if (form === "py") download(new Blob([answer.text], { type: "text/x-python" }), answer.file);
  if (form === "svg") download(new Blob([answer.svg], { type: "image/svg+xml" }), `${name}.svg`);
  if (form !== "png") return;
  try {
    download(await png(answer.svg), `${name}.png`);
  } catch (error) {
    say(`Nothing was saved: ${error.message}.`);
  }
}
for (const button of $("save").querySelectorAll("[data-save]")) {
  button.addEventListener("click", () => save(button.dataset.save));
}
document.addEventListener("click", (event) => {
  if (!$("save").contains(event.target)) $("save").open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") $("save").open = false;
});

function download(content, name) {
  const url = URL.createObjectURL(content);
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  say(`Saved ${name}.`);
}

$("skip").addEventListener("click", (event) => {
  event.preventDefault();
  editor.view.focus();
});

// -- the beginning ---------------------------------------------------------------------------

async function begin() {
  const library = await (await fetch("library.json")).json();
  const texts = new Map();
  const group = (title, entries) =>
    el("optgroup", { label: title }, entries.map(([name, text]) => {
      texts.set(name, text);
      return el("option", { value: name }, name);
    }));
  const of = (kind) => library.filter((each) => each.kind === kind).map((each) => [each.name, each.text]);
  $("open").append(
    el("option", { value: "" }, "Open…"),
    group("Begin with", Object.entries(TEMPLATES)),
    group("Genotypes", of("genotype")), group("Spaces", of("space")),
    group("Networks", of("network")), group("Vocabularies", of("vocabulary")),
  );
  $("open").addEventListener("change", ({ target }) => {
    if (texts.has(target.value)) editor.replace(texts.get(target.value));
    target.value = "";
  });
  page.genotypes = of("genotype").map(([name]) => name);

  const state = await link.read(location.hash);
  editor = makeEditor($("editor"), {
    text: state.text ?? texts.get(FIRST), ask, onChange: (text) => changed(text), onPlace: mark,
    commands: [
      { key: "Mod-s", scope: "editor page", run: () => (share(), true) },
      { key: "Shift-Alt-f", scope: "editor page", run: () => (format(), true) },
      { key: "Mod-.", scope: "editor page", run: () => (findings.find((each) => each.fixes.length)
          ? (editor.fix([findings.find((each) => each.fixes.length).fixes[0]]), true) : false) },
    ],
  });
  if (Object.hasOwn(TABS, state.tab ?? "")) page.tab = state.tab;
  choose(page.tab);
  if (state.broken) say("The link is broken, too long or unreadable; this is NASNet-A instead.");
  if (python.ready) changed(editor.text(), true);
  addEventListener("hashchange", async () => {
    if (location.hash === own) return;
    const turn = readings += 1;
    const other = await link.read(location.hash);
    if (turn !== readings) return;
    if (Object.hasOwn(TABS, other.tab ?? "")) choose(other.tab);
    if (other.text !== null && other.text !== editor.text()) editor.replace(other.text);
    else if (other.broken) say("The link is broken, too long or unreadable; the text stays as it is.");
  });
  document.documentElement.dataset.editor = "ready";
}

begin();
// Whoever serves the page decides whether it has one; without it nothing is kept for offline use.
navigator.serviceWorker?.register("service-worker.js").catch(() => {});
