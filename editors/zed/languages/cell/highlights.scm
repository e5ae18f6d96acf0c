[
  "genotype" "vocabulary" "ops" "op" "combine" "cell" "network" "else"
  "output" "unused" "concat" "each"
] @keyword
(comment) @comment
(number) @number
(state) @variable.builtin
(hole) @keyword.operator
["=" "|" "*" "+" "/"] @operator
["(" ")" "[" "]" "{" "}"] @punctuation.bracket
"," @punctuation.delimiter
(block name: (word) @variable)
(op name: (word) @function)
(combine name: (word) @function)
(layer name: (word) @function.builtin)
(setting name: (word) @property)
(cell kind: (word) @type)
(header name: (word) @module)
(ops name: (word) @module)
(word) @variable
