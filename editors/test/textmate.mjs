// The tokens of texts (JSON on standard input) as VS Code's own library reads the grammar.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import oniguruma from "vscode-oniguruma";
import textmate from "vscode-textmate";

const require = createRequire(import.meta.url);
const wasm = readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));

const path = new URL("../vscode/syntaxes/cell.tmLanguage.json", import.meta.url);
const registry = new textmate.Registry({
  onigLib: Promise.resolve({
    createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text) => new oniguruma.OnigString(text),
  }),
  loadGrammar: async () => textmate.parseRawGrammar(readFileSync(path, "utf-8"), "cell.json"),
});
const grammar = await registry.loadGrammar("source.cell");
console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf-8")).map(tokens)));

function tokens(text) {
  const found = [];
  let start = 0;
  let state = textmate.INITIAL;
  for (const line of text.split("\n")) {
    const read = grammar.tokenizeLine(line, state);
    for (const { startIndex, endIndex, scopes } of read.tokens) {
      if (scopes.length > 1) found.push([start + startIndex, start + Math.min(endIndex, line.length), scopes.at(-1)]);
    }
    state = read.ruleStack;
    start += line.length + 1;
  }
  return found;
}
