// The state of the page in the fragment of its address: `#c=TEXT&tab=NAME`.
//
// TEXT is UTF-8, DEFLATE without a header, URL-safe base64 without padding; nasdsl/play/link.py
// writes the same. A fragment comes from anybody: what is broken, long, unknown or
// hardly visible is nothing.

const LONGEST = 400_000;
// The editor puts a mark in place of each of these, and tens of thousands of marks keep it busy for minutes.
const INVISIBLE = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufff9-\ufffc]/gu;
const MOST_INVISIBLE = 1000;

async function through(bytes, stream, most = Infinity) {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const parts = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > most) {
      await reader.cancel();
      throw new RangeError("too long");
    }
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

export async function packed(text) {
  const bytes = await through(new TextEncoder().encode(text), new CompressionStream("deflate-raw"));
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

async function unpacked(content) {
  if (content.length > LONGEST || !/^[\w-]*$/.test(content)) throw new RangeError("no base64");
  const binary = atob(content.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const text = decoder.decode(await through(bytes, new DecompressionStream("deflate-raw"), LONGEST));
  if ((text.match(INVISIBLE)?.length ?? 0) > MOST_INVISIBLE) throw new RangeError("nothing to see");
  return text;
}

/** What a fragment says: `text` (null where it has none), `tab`, and whether it is broken. */
export async function read(fragment) {
  const found = { text: null, tab: null, broken: false };
  for (const part of fragment.replace(/^#/, "").slice(0, LONGEST + 100).split("&")) {
    const [key, value] = [part.slice(0, part.indexOf("=")), part.slice(part.indexOf("=") + 1)];
    if (key === "tab") found.tab = value;
    if (key === "c") {
      try {
        found.text = await unpacked(value);
      } catch {
        found.broken = true;
      }
    }
  }
  return found;
}

export async function written(text, tab) {
  return `#c=${await packed(text)}${tab === "cells" ? "" : `&tab=${tab}`}`;
}
