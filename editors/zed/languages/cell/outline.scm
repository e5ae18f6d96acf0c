(header ["genotype" "vocabulary"] @context name: (word) @name) @item
(op "op" @context name: (word) @name) @item
(combine "combine" @context name: (word) @name) @item
(cell "cell" @context kind: (word) @name) @item
(block name: (word) @name) @item
(network "network" @name) @item
