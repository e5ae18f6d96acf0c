# %% [markdown]
# # A search, read from its store
#
# A search keeps everything in one SQLite file, its store. This notebook runs a small search, and then
# uses nothing but the store: what was proposed, what is best, and which decisions the good cells have
# in common. It needs `pip install ".[search]"` in a checkout.
#
# The space has six open decisions. The evaluator is the score `synflow` of an untrained network,
# because that takes milliseconds; for accuracies, `train` takes its place and nothing else changes.

# %%
import nasdsl

space = nasdsl.loads_space("""
genotype few
ops nasnet

cell normal {
    b0 = (h[i], h[i-1], {sep_conv_3x3 | sep_conv_5x5 | max_pool_3x3}, {identity | avg_pool_3x3}, add)
    b1 = (b0,   ?,      {sep_conv_3x3 | avg_pool_3x3 | identity},     identity,                  add)
}

cell reduction {
    b0 = (h[i], h[i-1], {max_pool_3x3 | sep_conv_3x3}, sep_conv_3x3, {add | concat})
}
""")
print(f"{nasdsl.count(space):,} members")
space

# %%
from nasdsl.search import plan_search, run

plan = plan_search(
    space,
    "few.db",
    algorithm="evolution",
    options=["population=8", "sample=3"],
    evaluator="proxy:synflow?N=1&cell_filters=4&stem=cifar&image_size=8",
    trials=30,
    seed=0,
    workers=1,
)
counts = run(plan)
print(counts)

# %% [markdown]
# ## What happened
#
# `Reader` looks at a store without disturbing a search that may be running. A network that was
# proposed before shares the reward of the first time.

# %%
from pathlib import Path

from nasdsl.search import Reader

with Reader(Path("few.db")) as store:
    trials = list(store.trials())
    best = store.best(3)

again = sum(trial.same_as is not None for trial in trials)
print(f"{len(trials)} proposals, {again} of networks that were there already")
for trial in best:
    print(f"trial {trial.id}: {trial.reward:.2f}, {trial.params:,} parameters")

# %% [markdown]
# The texts of trials are genotypes, so everything that works on a genotype works on them.

# %%
winner = nasdsl.loads(best[0].text)
assert nasdsl.contains(space, winner)
winner

# %% [markdown]
# ## What the good ones have in common
#
# The mean reward of the networks with each op as the first of the normal cell.

# %%
from collections import defaultdict

rewards = defaultdict(list)
for trial in trials:
    if trial.reward is not None and trial.same_as is None:
        rewards[nasdsl.loads(trial.text).cells[0].blocks[0].ops[0]].append(trial.reward)
for op, found in sorted(rewards.items(), key=lambda each: -sum(each[1]) / len(each[1])):
    print(f"{op:<14} {sum(found) / len(found):8.2f}  in {len(found)} networks")

# %% [markdown]
# ## The best so far
#
# `nasdsl search plot few.db -o few.svg` draws this picture.

# %%
from IPython.display import SVG

from nasdsl.search.figures import write_figure

write_figure(["few.db"], "few.svg")
SVG("few.svg")
