// Texts to begin with, besides the library.

export const TEMPLATES = {
  "A cell of your own": `# A normal and a reduction cell of two blocks each.
genotype mine
ops nasnet

cell normal {
    b0 = (h[i], h[i-1], sep_conv_3x3, identity,     add)
    b1 = (h[i], b0,     avg_pool_3x3, sep_conv_5x5, add)
}

cell reduction {
    b0 = (h[i], h[i-1], sep_conv_5x5, max_pool_3x3, add)
    b1 = (h[i], b0,     avg_pool_3x3, identity,     add)
}
`,
  "A search space": `# Open fields make a space: \`?\` is anything legal, and { | } a choice.
genotype my_space
ops nasnet

cell normal {
    b0 = (h[i], h[i-1], ?, ?, add)
    b1 = (?, ?, {sep_conv_3x3 | sep_conv_5x5}, identity, add)
    3 * (?, ?, ?, ?, add)
}

cell reduction {
    b0 = (h[i], h[i-1], {max_pool_3x3 | avg_pool_3x3}, sep_conv_5x5, add)
}
`,
  "Ops of your own": `# An op is a chain of layers. Forms after \`else\` are for other shapes.
genotype with_own_ops
ops nasnet

op squeeze_3x3 = [relu, conv(1x1), batch_norm, relu, conv(3x3, stride), batch_norm]

cell normal {
    b0 = (h[i], h[i-1], squeeze_3x3, identity,     add)
    b1 = (h[i], b0,     squeeze_3x3, avg_pool_3x3, add)
}

cell reduction {
    b0 = (h[i], h[i-1], squeeze_3x3, max_pool_3x3, add)
}
`,
  "A network with its size": `# What \`nasdsl cost\` and \`nasdsl compile\` build when no flag says otherwise.
genotype small
ops nasnet

cell normal {
    b0 = (h[i], h[i-1], sep_conv_3x3, identity, add)
}

cell reduction {
    b0 = (h[i], h[i-1], max_pool_3x3, sep_conv_5x5, add)
}

network {
    stem = cifar
    N = 2
    filters = 96
}
`,
  "Mistakes to fix": `# Every mistake is reported at once, and some can be fixed by a machine.
genotype broken
ops nasnet

cell normal {
    b0 = (h[i], h[i-1], sep_con_3x3, identity, add)
    b1 = (h[i], b0 avg_pool_3x3, sep_conv_5x5, add)
}

cell reduction {
    b0 = (h[i], h[i-1], sep_conv_5x5, max_pool_3x3, ad)
}
`,
};
