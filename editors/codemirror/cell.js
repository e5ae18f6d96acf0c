// The CodeMirror mode of .cell files, for StreamLanguage.define. Written by editors/generate.py.
const tokens = [
  [new RegExp("#[^\\n]*", "y"), "comment"],
  [new RegExp("[A-Za-z][^\\S\\n]*\\[[^\\[\\](){},|#\\n]*\\]?", "y"), "variableName.special"],
  [new RegExp("[+-]?\\.?[0-9](?:[A-Za-z0-9_.]*[eE][+-][0-9]+|[A-Za-z0-9_.]*)", "y"), "number"],
  [new RegExp("(?:genotype|vocabulary|ops|op|combine|cell|network|else|output|unused|concat|each)\\b", "y"), "keyword"],
  [new RegExp("[A-Za-z_][A-Za-z0-9_]*", "y"), "variableName"],
  [new RegExp("\\?", "y"), "atom"],
  [new RegExp("[=|*+/]", "y"), "operator"],
  [new RegExp("[(){}\\[\\]]", "y"), "bracket"],
  [new RegExp(",", "y"), "punctuation"],
];

export const cell = {
  name: "cell",
  token(stream) {
    if (stream.eatSpace()) return null;
    for (const [pattern, style] of tokens) {
      pattern.lastIndex = stream.pos;
      const found = pattern.exec(stream.string);
      if (found !== null) {
        stream.pos += found[0].length;
        return style;
      }
    }
    stream.next();
    return "invalid";
  },
  languageData: {
    commentTokens: { line: "#" },
    closeBrackets: { brackets: ["(", "[", "{"] },
  },
};
