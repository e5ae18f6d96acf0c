// The tree-sitter grammar of .cell files. Its shape is that of grammar/cell.lark; its tokens are
// those of nasdsl/highlighting/table.py, which editors/generate.py writes to tokens.json.
const { tokens } = require("./tokens.json");

const list = (rule) => seq(optional(seq(rule, repeat(seq(",", rule)))), optional(","));

module.exports = grammar({
  name: "cell",
  extras: ($) => [/\s/, $.comment],
  // A word of the language is a name wherever only a name can stand.
  word: ($) => $.word,

  rules: {
    file: ($) => repeat($._item),
    _item: ($) => choice($.header, $.ops, $.op, $.combine, $.cell, $.network),

    header: ($) => seq(choice("genotype", "vocabulary"), field("name", $.word)),
    ops: ($) => seq("ops", field("name", $.word)),

    cell: ($) =>
      seq("cell", field("kind", $.word), "{", repeat(choice($.block, $.repeat, $.output)), "}"),
    block: ($) => seq(field("name", $.word), "=", $.tuple),
    repeat: ($) => seq(field("count", $.number), "*", $.tuple),
    tuple: ($) => seq("(", list($._field), ")"),
    _field: ($) => choice($._option, $.hole, $.choice),
    hole: (_) => "?",
    choice: ($) => seq("{", $._option, repeat(seq("|", $._option)), "}"),
    _option: ($) => choice($.word, $.state),
    output: ($) =>
      seq("output", choice("unused", seq(choice("concat", "each"), "(", list($._option), ")"))),

    op: ($) => seq("op", field("name", $.word), "=", $.form, repeat(seq("else", $.form))),
    combine: ($) => seq("combine", field("name", $.word), "=", $.form),
    form: ($) => seq($.part, repeat(seq("+", $.part))),
    part: ($) => seq(optional(seq($.number, "*")), "[", list($.layer), "]"),
    layer: ($) =>
      seq(
        field("name", $.word),
        optional(seq("(", $.argument, repeat(seq(",", $.argument)), optional(","), ")")),
      ),
    argument: ($) =>
      choice($.number, seq($.word, optional($.number)), seq($.word, "/", $.number)),

    network: ($) => seq("network", "{", repeat($.setting), "}"),
    setting: ($) => seq(field("name", $.word), "=", field("value", choice($.word, $.number))),

    state: (_) => token(prec(2, /[A-Za-z]\s*\[[^\[\](){},|#\n]*\]?/)),
    number: (_) => token(new RegExp(tokens.number)),
    word: (_) => /[A-Za-z_][A-Za-z0-9_]*/,
    comment: (_) => token(new RegExp(tokens.comment)),
  },
});
