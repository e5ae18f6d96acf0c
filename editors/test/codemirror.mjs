// The tokens of texts (JSON on standard input) as the CodeMirror mode sees them.
import { readFileSync } from "node:fs";
import { cell } from "../codemirror/cell.js";

const texts = JSON.parse(readFileSync(0, "utf-8"));
console.log(JSON.stringify(texts.map(tokens)));

function tokens(text) {
  const found = [];
  let start = 0;
  for (const line of text.split("\n")) {
    const stream = {
      string: line,
      pos: 0,
      eatSpace() {
        const from = this.pos;
        while (/\s/.test(this.string.charAt(this.pos))) this.pos += 1;
        return this.pos > from;
      },
      next() {
        this.pos += 1;
      },
    };
    while (stream.pos < line.length) {
      const from = stream.pos;
      const style = cell.token(stream);
      if (style !== null) found.push([start + from, start + stream.pos, style]);
    }
    start += line.length + 1;
  }
  return found;
}
