// Elements. Whatever comes from a text is put into the page as text, never as HTML.

/** An element with attributes (functions are listeners) and children (elements or text). */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(key, value);
    else if (key === "class") made.className = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

/** The small part of markdown that nasdsl writes: headings, lists, code and paragraphs. */
export function markdown(text) {
  const found = [];
  const blocks = text.split(/```\w*\n([\s\S]*?)```/);
  blocks.forEach((block, index) => {
    if (index % 2) {
      found.push(el("pre", {}, el("code", {}, block.replace(/\n$/, ""))));
      return;
    }
    for (const part of block.split(/\n{2,}/)) {
      const trimmed = part.trim();
      if (!trimmed) continue;
      const heading = /^(#{1,3}) (.*)$/.exec(trimmed);
      if (heading) found.push(el(heading[1].length < 2 ? "h2" : "h3", {}, words(heading[2])));
      else if (/^[-*] /.test(trimmed)) {
        const items = trimmed.split(/\n[-*] /).map((item) => item.replace(/^[-*] /, ""));
        found.push(el("ul", {}, items.map((item) => el("li", {}, words(item)))));
      } else if (/^ {4}/.test(part.replace(/^\n+/, ""))) {
        found.push(el("pre", {}, el("code", {}, part.replace(/^\n+/, "").replace(/^ {4}/gm, ""))));
      } else found.push(el("p", {}, words(trimmed)));
    }
  });
  return found;
}

/** Text with `code` in it. */
export function words(text) {
  return text
    .split(/`([^`]+)`/)
    .map((part, index) => (index % 2 ? el("code", {}, part) : part))
    .filter((part) => part !== "");
}
