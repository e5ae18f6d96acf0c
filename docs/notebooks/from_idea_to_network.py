# %% [markdown]
# # From an idea to a trained network
#
# A cell is a handful of lines. This notebook writes one, looks at it, counts what it costs, trains a
# small network of it on real digits in a few seconds, and writes the network to a file. It needs
# `pip install ".[train]"` in a checkout, and nothing from the network.

# %%
import nasdsl

text = """
genotype shortcut
ops nasnet

cell normal {
    wide = (h[i],   h[i-1], sep_conv_3x3, identity,     add)
    deep = (wide,   h[i],   sep_conv_3x3, avg_pool_3x3, add)
    output concat(wide, deep)
}

cell reduction {
    half = (h[i], h[i-1], sep_conv_3x3, max_pool_3x3, add)
    same = (half, h[i],   identity,     sep_conv_3x3, add)
    output concat(half, same)
}
"""
cell = nasdsl.loads(text)
cell

# %% [markdown]
# The last line of the cell above is the genotype, and notebooks show it as a picture. A mistake would
# have been a finding with its place: here is what a misspelt op looks like.

# %%
from nasdsl.errors import CellError

try:
    nasdsl.loads(text.replace("avg_pool_3x3", "avg_pol_3x3"))
except CellError as error:
    print(error.diagnostics[0].code, error.diagnostics[0].message)

# %% [markdown]
# ## What it costs
#
# Counting needs no PyTorch. The network is small, because the digits are: 8 pixels a side.

# %%
size = {"N": 1, "cell_filters": 8, "stem": "cifar", "image_size": 8, "input_channels": 1}
cost = nasdsl.cost(cell, **size, classes=10)
print(f"{cost.params:,} parameters, {cost.mult_adds:,} mult-adds")

# %% [markdown]
# ## Train it
#
# `recipe("quick")` says how; five epochs are enough to see it learn. 143 of the images are held out,
# and evaluated after each epoch.

# %%
from nasdsl.train import datasets, fit, network_settings, recipe

chosen = recipe("quick", epochs=5, batch=64, warmup=1.0, ema=0.0, drop_path=0.0)
digits = datasets("digits", chosen)
settings = {**size, **network_settings(digits, chosen)}
net = nasdsl.compile(cell, seed=0, **settings)
trained = fit(net, digits, chosen, seed=0)
for epoch in trained.history:
    print(f"epoch {epoch.epoch}  loss {epoch.loss:.3f}  held out {epoch.held_out.accuracy:.1%}")

# %% [markdown]
# ## Keep it
#
# The file has the weights and the text of the cells, so it needs nothing else to be built again.

# %%
import torch

written = nasdsl.export.write(net.eval(), "shortcut.safetensors")
again = nasdsl.compile("shortcut.safetensors").eval()
images = torch.rand(4, 1, 8, 8)
assert torch.equal(net(images), again(images))
print(written.what, f"{written.bytes:,} bytes")

# %% [markdown]
# From here: [train it at full size](../training.md), [search around it](../search.md), or
# [publish it](../publishing.md).
