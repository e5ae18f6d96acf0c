// What each tab shows: from an answer of nasdsl/play/views.py to elements.

import { el, words } from "./dom.js";
import { drawn } from "./svg.js";

export const TABS = {
  cells: "Cells",
  network: "Network",
  cost: "Cost",
  source: "PyTorch",
  form: "Canonical form",
  space: "Space",
  diff: "Compare",
};
/** The code of a space where a genotype is needed. */
const OPEN = "NAS310";
/** The tabs on which the size of the network is chosen. */
const SIZED = new Set(["network", "cost", "source"]);

const number = (value) => value.toLocaleString("en-US");
const short = (value) => {
  for (const [limit, letter] of [[1e9, "B"], [1e6, "M"], [1e3, "k"]]) {
    // By what is said: 999,996 are 1.00M, and not 1000.00k.
    if (Number((value / limit).toFixed(5)) >= 1) return `${(value / limit).toFixed(2)}${letter}`;
  }
  return String(value);
};

/** What the panel shows for an answer. `page` has what is chosen, and what buttons do. */
export function shown(tab, answer, page) {
  return answer.problem?.map((each) =>
    el("div", { class: "notice problem" },
      el("p", {}, words(each.message)),
      each.hints.map((hint) => el("p", { class: "quiet" }, words(hint))),
      each.code === OPEN
        ? el("button", { click: () => page.choose("space") }, "Draw genotypes of this space")
        : null)) ?? VIEWS[tab](answer, page);
}

/** What can be chosen on a tab. The elements stay the same, so that nobody loses their place. */
export function choices(page) {
  const [size, other] = [sizes(page), others(page)];
  return (tab, answer) => {
    if (page.kind !== "genotype") return null;
    if (SIZED.has(tab)) return size(answer);
    return tab === "diff" ? other() : null;
  };
}

const VIEWS = { cells, network, cost, source, form, space, diff };

function remarks(answer) {
  return (answer.remarks ?? []).concat(answer.warnings ?? [])
    .map((each) => el("p", { class: "notice" }, words(each)));
}

function cells(answer, page) {
  const titles = { normal: "Normal cell", reduction: "Reduction cell" };
  const figures = answer.cells.map(({ kind, svg }) => {
    const drawing = drawn(svg);
    for (const box of drawing.querySelectorAll("[data-box]")) {
      const at = page.blockOf(box.dataset.box);
      if (!at) continue;
      box.classList.add("link");
      box.addEventListener("click", () => page.goTo(at));
    }
    const caption = kind ? el("figcaption", {}, titles[kind]) : null;
    return el("figure", {}, drawing, caption);
  });
  return [...remarks(answer), el("div", { class: "drawing" }, figures)];
}

function network(answer) {
  return [...remarks(answer), el("div", { class: "drawing" }, el("figure", {}, drawn(answer.svg)))];
}

function figure(value, what, exact) {
  return el("div", {}, el("dt", {}, what), el("dd", {}, value, exact ? el("small", {}, exact) : null));
}

function cost(answer) {
  const list = el("dl", { class: "figures" },
    figure(short(answer.params), "parameters", number(answer.params)),
    figure(short(answer.mult_adds), "mult-adds for one image", number(answer.mult_adds)),
    figure(`${(answer.activation_bytes / 1e6).toFixed(1)} MB`, "activations in float32",
      `${number(answer.activations)} numbers`),
    figure(short(answer.params_total), "with moving statistics", number(answer.params_total)),
    answer.auxiliary_params
      ? figure(short(answer.auxiliary_params), "in the auxiliary classifier",
          number(answer.auxiliary_params))
      : null);
  return [
    ...remarks(answer), list,
    table("By module", "module", answer.modules, answer),
    table("By what it is made of", "made of", answer.parts, answer),
  ].flat();
}

function table(title, first, rows, whole) {
  const heads = [first, "uses", "params", "", "mult-adds", ""];
  const share = (part, all, what) =>
    el("td", { class: "share" },
      el("meter", { min: 0, max: 1, value: all ? part / all : 0,
        "aria-label": `${what}: ${all ? Math.round((100 * part) / all) : 0} %` }));
  return [
    el("h2", {}, title),
    el("div", { class: "scroll" }, el("table", {},
      el("thead", {}, el("tr", {}, heads.map((head) =>
        head ? el("th", { scope: "col" }, head) : el("th", { class: "share" }, el("span", { class: "hidden" }, "share"))))),
      el("tbody", {}, rows.map((row) => el("tr", {},
        el("td", {}, row.name), el("td", {}, String(row.uses)),
        el("td", { title: number(row.params) }, short(row.params)),
        share(row.params, whole.params, "parameters"),
        el("td", { title: number(row.mult_adds) }, short(row.mult_adds)),
        share(row.mult_adds, whole.mult_adds, "mult-adds")))))),
  ];
}

function source(answer, page) {
  return [
    el("div", { class: "row" },
      el("button", { click: () => page.copy(answer.text, "The source is copied.") }, "Copy"),
      el("button", { click: () => page.save("py") }, `Save ${answer.file}`),
      el("span", { class: "quiet" }, "One file that needs nothing but PyTorch.")),
    el("pre", { class: "code", tabindex: 0, "aria-label": "PyTorch source" }, answer.text),
  ];
}

function form(answer, page) {
  const same = answer.same.length
    ? el("p", {}, "The same cells as ", answer.same.flatMap((name, at) =>
        [at ? ", " : "", el("code", {}, name)]), " of the library.")
    : el("p", { class: "quiet" }, "The library has no such cells.");
  return [
    el("h2", {}, "Hash"),
    el("p", { class: "hash" }, answer.hash),
    el("p", { class: "quiet prose" },
      "Genotypes that are equal up to names and order have the same hash."),
    same,
    el("h2", {}, "Hash of the function"),
    el("p", { class: "hash" }, answer.function),
    el("p", { class: "quiet prose" },
      "The same for genotypes that compute the same with suitable weights: identities pass through, zeros vanish, sums are flat."),
    el("h2", {}, "Canonical form"),
    el("pre", { class: "code", tabindex: 0, "aria-label": "Canonical form" }, answer.text),
    el("div", { class: "row" },
      el("button", { click: () => page.open(answer.text) }, "Put it in the editor")),
  ];
}

function space(answer, page) {
  const size = answer.digits || `about ${answer.count}`;
  const decisions = `${number(answer.decisions)} ${answer.decisions === 1 ? "decision" : "decisions"}`;
  if (answer.is_genotype) {
    return [
      el("p", { class: "prose" }, "This is one genotype, a space of size one. With every field open, its shape has"),
      el("p", { class: "big" }, digits(size)),
      el("p", { class: "quiet" }, `genotypes, in ${decisions}.`),
      el("div", { class: "row" },
        el("button", { click: () => page.mutate() }, "Change one decision"),
        el("button", { click: () => page.open(answer.opened) }, "Open every field")),
      page.mutation ? sentences(page.mutation) : null,
    ].filter(Boolean);
  }
  return [
    el("p", { class: "big" }, digits(size)),
    el("p", { class: "quiet" }, `genotypes, in ${decisions}. Every combination is counted once.`),
    el("div", { class: "row" },
      el("button", { click: () => page.draw() }, "Draw six others"),
      el("span", { class: "quiet" }, `seed ${page.seed}: the first six that `,
        el("code", {}, `nasdsl sample --seed ${page.seed}`), " draws")),
    el("div", { class: "samples" }, answer.samples.map((each) => member(each, page))),
  ];
}

/** A genotype that was drawn from the space, or what it has been changed to where it stands. */
function member(first, page) {
  const each = page.varied.get(first.text) ?? first;
  return el("div", { class: "sample" }, drawn(each.svg),
    each.sentences ? sentences(each.sentences) : null,
    el("div", {},
      el("code", { class: "quiet", title: each.hash }, each.hash.slice(0, 10)),
      el("button", { click: () => page.vary(each.text, first.text) }, "Change one decision"),
      el("button", { click: () => page.open(each.text) }, "Open")));
}

/** A long number, which may be broken after its commas. */
function digits(text) {
  return text.split(/(?<=,)/).flatMap((part) => [part, el("wbr")]);
}

function sentences(list) {
  return el("ul", { class: "sentences" }, list.map((each) => el("li", {}, words(each))));
}

function diff(answer) {
  return [
    el("h2", {}, words(answer.verdict)),
    ...remarks(answer),
    answer.svg ? el("div", { class: "drawing" }, el("figure", {}, drawn(answer.svg))) : null,
    answer.sentences.length ? el("h3", {}, "In words") : null,
    sentences(answer.sentences),
  ].filter(Boolean);
}

// -- what is chosen ------------------------------------------------------------------------

function sizes(page) {
  const chosen = (name, value, rest = {}) => page.set({ ...page.settings, ...rest, [name]: value });
  const whole = (name, label) => {
    const input = el("input", {
      type: "number", min: 1, name, inputmode: "numeric",
      input: ({ target }) => chosen(name, target.value === "" ? undefined : Number(target.value)),
    });
    return { name, input, label: el("label", {}, label, input) };
  };
  const word = (name, label, rest) => {
    const input = el("select", { name, change: ({ target }) => chosen(name, target.value, rest) });
    return { name, input, label: el("label", {}, label, input) };
  };
  const unsized = { image_size: undefined, classes: undefined };
  const skeleton = word("skeleton", "Skeleton", { ...unsized, stem: undefined, N: undefined, filters: undefined });
  const stem = word("stem", "Stem", unsized);
  const numbers = [
    whole("N", "N, cells in a stack"), whole("filters", "Filters"),
    whole("image_size", "Image size"), whole("classes", "Classes"),
  ];
  const reset = el("button", { click: () => page.set({}) }, "Reset");
  const group = el("div", { class: "controls", role: "group", "aria-label": "Network" },
    skeleton.label, stem.label, numbers.map((each) => each.label), reset);
  const fill = ({ name, input }, all, made) => {
    if (all) input.replaceChildren(...all.map((each) => el("option", {}, each)));
    input.value = page.settings[name] ?? made ?? input.value;
  };
  return (answer) => {
    const made = answer.settings;
    fill(skeleton, answer.skeletons, made?.skeleton);
    fill(stem, answer.stems, made?.stem);
    for (const { name, input } of numbers) {
      if (made) input.placeholder = made[name] ?? "";
      // What is being typed is left alone.
      if (Number(input.value) !== (page.settings[name] ?? 0)) input.value = page.settings[name] ?? "";
    }
    reset.hidden = !Object.values(page.settings).some((value) => value !== undefined);
    return group;
  };
}

function others(page) {
  const select = el("select", { name: "other", change: ({ target }) => page.compare(target.value) });
  const group = el("div", { class: "controls" }, el("label", {}, "Compare with", select));
  return () => {
    if (!select.childElementCount) select.append(...page.genotypes.map((name) => el("option", {}, name)));
    select.value = page.other;
    return group;
  };
}
