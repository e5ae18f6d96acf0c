"""Every command and option of the command line, as click has them, each on a line that can be run.

A command or an option that is added is here by itself: without a line for a new command, or a value
for a new option that takes text, `lines_of_every_option` raises.
"""

from collections.abc import Iterator
from typing import Any

import click

from nasdsl.cli.group import program
from nasdsl.language.genotype.keywords import SettingsKeywords

SIZE = "--N 1 --cell-filters 4 --stem cifar --image-size 8"
UNSIZED = "--N 1 --stem cifar --image-size 8"
TRAIN = f"train tiny.cell --out new --data fake:3 --set epochs=1 {SIZE}"
FINISH = "search finish s.db --top 1 --data fake:3 --set epochs=1"
LARGER = "--N 2 --cell-filters 4 --stem cifar --image-size 32"
SEARCH = "search small.cell --evaluator proxy:synflow --trials 1 --store a.db"
CHILDREN = "search small.cell --trials 3 --store a.db --evaluator"
CHILD = "train?epochs=2&N=1&cell_filters=4&image_size=8"
ONE_SHOT = "search nasbench201_space --algorithm darts --data fake:3 --option epochs=1 --out new"
#: A line of each command that succeeds, or does so with the packages it needs, and ends by itself.
LINES = {
    "check": "check tiny.cell",
    "fmt": "fmt tidy.cell",
    "explain": "explain NAS201",
    "lsp": "lsp",
    "play": "play nosuch.cell",  # what begins does not end
    "compile": f"compile tiny.cell {SIZE} -o x.safetensors",
    "convert": "convert tiny.cell",
    "train": TRAIN,
    "search": SEARCH,
    "search status": "search status s.db",
    "search top": "search top s.db",
    "search plot": "search plot s.db -o p.svg",
    "search export": "search export s.db -o t.csv",
    "search finish": f"{FINISH} {SIZE} --no-auxiliary",
    "eval": "eval run",
    "predict": "predict run full",
    "detect": "detect x.safetensors a.png -o drawn",
    "compare": "compare run",
    "publish": "publish x.safetensors -o published",
    "cost": "cost tiny.cell",
    "bench": f"bench tiny.cell {SIZE} --rounds 1",
    "hash": "hash tiny.cell",
    "diff": "diff nasnet_a nasnet_a",
    "render": "render tiny.cell -o x.dot",
    "plot": "plot sizes tiny.cell -o x.svg",
    "count": "count nasbench201_space",
    "sample": "sample nasnet_space --seed 0",
    "enumerate": "enumerate nasbench201_space --limit 1",
    "list": "list",
    "show": "show tiny.cell",
    "doctor": "doctor",
    "completion": "completion bash",
}
#: Options that have no effect on such a line, and where they have one. What has no end, such as
#: `--watch`, is tried on a file that is not there.
INSTEAD = {
    "bench --accuracy": f"bench tiny.cell {SIZE} --plot b.svg",
    "bench --auxiliary": f"bench tiny.cell {LARGER}",
    "bench --filters": f"bench tiny.cell {UNSIZED}",
    "bench --layers": "bench darts_v2 --cell-filters 4",
    "compare -o": "compare run",
    "compile --auxiliary": f"compile tiny.cell {LARGER}",
    "compile --drop-background": f"compile tiny.cell {SIZE} --classes 2 --weights x.safetensors",
    "compile --filters": f"compile tiny.cell {UNSIZED}",
    "compile --layers": "compile darts_v2 --cell-filters 4 --image-size 32",
    "compile --layout": f"compile tiny.cell {SIZE} --classes 3 --weights x.safetensors",
    "compile --preset": "compile nasnet_a",
    "compile --runtime": f"compile tiny.cell {SIZE}",
    "compile --weights": f"compile tiny.cell {SIZE} --classes 3",
    "convert --from": "convert tiny.cell",
    "convert --json": "convert tiny.cell --list",
    "convert --to": "convert darts_v2",
    "cost --layers": "cost darts_v2",
    "cost --preset": "cost nasnet_a",
    "cost --proposals": "cost tiny.cell --detector paper",
    "count --form": "count tiny.cell --distinct",
    "count --limit": "count tiny.cell --distinct",
    "eval --dtype": "eval run --runtime eager",
    "eval --threads": "eval run --runtime eager",
    "plot --layers": "plot sizes darts_v2 -o x.svg",
    "plot --preset": "plot sizes nasnet_a -o x.svg",
    "predict --recipe": "predict x.safetensors full",
    "publish --private": "publish x.safetensors --repository me/mine",
    "publish --repository": "publish x.safetensors",
    "render --diff": "render tiny.cell nasnet_a -o x.dot",
    "render --port": "render nosuch.cell --watch",
    "render --preset": "render nasnet_a --network -o x.dot",
    "render --watch": "render nosuch.cell",
    "search --address": f"{SEARCH} --engine ray",
    "search --data": f"{CHILDREN} {CHILD}",
    "search --fidelity": f"{CHILDREN} {CHILD}&data=fake:3 --max-epochs 2",
    "search --inherit-weights": f"{CHILDREN} {CHILD}&data=fake:3 --algorithm evolution",
    "search --max-epochs": f"{CHILDREN} {CHILD}&data=fake:3 --fidelity asha",
    "search --min-epochs": f"{CHILDREN} {CHILD}&data=fake:3 --fidelity asha --max-epochs 2",
    "search --out": ONE_SHOT,
    "search --per-gpu": f"{SEARCH} --gpus 1",
    "search --reduction": f"{CHILDREN} {CHILD}&data=fake:3 --fidelity asha --max-epochs 2",
    "search --retry-failed": "search --resume s.db",
    "search --resume": "search s.db",
    "render --layers": "render darts_v2 --network -o x.dot",
    "show --layers": "show darts_v2 --graph",
    "search finish --address": "search finish s.db --engine ray",
    "search finish --auxiliary": f"{FINISH} {LARGER}",
    "search finish --filters": f"{FINISH} {UNSIZED} --no-auxiliary",
    "search finish --per-gpu": f"{FINISH} {SIZE} --gpus 1",
    "train --filters": f"train tiny.cell --out new --data fake:3 --set epochs=1 {UNSIZED}",
    "train --layers": "train darts_v2 --out new --data fake:3 --set epochs=1 --cell-filters 4 "
    "--image-size 8",
    "train --resume": "train",
    "train --auxiliary": f"train tiny.cell --out new --data fake:3 --set epochs=1 {LARGER}",
    "train --drop-background": f"{TRAIN.replace('fake:3', 'fake:2')} --weights x.safetensors",
    "train --layout": f"{TRAIN} --weights x.safetensors",
    "train --reset-classifier": f"{TRAIN.replace('fake:3', 'fake:4')} --weights x.safetensors",
}
#: What options about networks go with, in commands that also do without a network.
NETWORK = {"render": "render tiny.cell -o x.dot --network", "show": "show tiny.cell --graph"}
NETWORK_OPTIONS = {*SettingsKeywords.__annotations__, "ops"}
#: A value of each option that takes text, by the option or by command and option.
VALUES = {
    "--N": "1",
    "--accuracy": "50",
    "--address": "auto",
    "--algorithm": "evolution",
    "--at": "https://example.org",
    "--backend": "torch",
    "--batch": "1",
    "--batch-norm-epsilon": "0.001",
    "--batch-norm-momentum": "0.1",
    "--cell-filters": "4",
    "--classes": "10",
    "--data": "fake:3",
    "--device": "cpu",
    "--drop-path": "0.1",
    "--dropout": "0.1",
    "--dtypes": "float32",
    "--evaluator": "proxy:naswot",
    "--fidelity": "asha",
    "--files": "full",
    "--filters": "96",
    "--host": "127.0.0.1",
    "--image-size": "8",
    "--input-channels": "3",
    "--layers": "3",
    "--layout": "native",
    "--license": "mit",
    "--log": "tensorboard",
    "--max-latency": "20ms",
    "--name": "tiny",
    "--names": "names.txt",
    "--network": "tiny.cell",
    "--objective": "params:min",
    "--ops": "nasnet",
    "--option": "repeats=false",
    "--out": "new",
    "--passes": "merge",
    "--plot": "b.svg",
    "--preset": "cifar",
    "--print-after": "merge",
    "--recipe": "quick",
    "--repository": "me/mine",
    "--resume": "run",
    "--runtime": "eager",
    "--runtimes": "eager",
    "--seeds": "2",
    "--set": "epochs=1",
    "--space": "nasnet_space",
    "--start": "tiny.cell",
    "--stem-filters": "8",
    "--store": "a.db",
    "--threads": "1",
    "--weights": "x.safetensors",
    "-o": "x",
    "convert -o": "x.json",
    "plot -o": "y.svg",
    "render -o": "y.dot",
    "compile --layout": "native",
    "train --layout": "native",
    "compare -o": "c.svg",
    "compile -o": "x.pt2",
    "convert --from": "cell",
    "convert --to": "darts",
    "count --limit": "20000",
    "eval --batch": "64",
    "eval --dtype": "float32",
    "search --deadline": "100",
    "search --evaluator": "proxy:naswot",
    "search --gpus": "0",
    "search --max-latency": "10s",
    "search --memory": "8",
    "search finish --classes": "3",
    "search --max-epochs": "2",
    "search --max-mult-adds": "1000000000",
    "search --max-params": "1000000000",
    "search finish --gpus": "0",
    "search finish --precision": "bf16",
    "train --classes": "3",
    "train --precision": "bf16",
    "search export -o": "u.csv",
    "search plot -o": "q.svg",
}


def commands() -> dict[str, click.Command]:
    """Every command by its words; an action of `search` has two."""
    return dict(_below(program, ()))


def _below(group: click.Group, words: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield name, command.default  # type: ignore[attr-defined]
            yield from _below(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


def lines_of_every_option() -> list[str]:
    """A line for each command, and one for each of its options and for what denies it."""
    found = []
    for name, command in commands().items():
        found.append(LINES[name])
        for option in command.params:
            if isinstance(option, click.Option):
                found += [_line(name, option, flag) for flag in _flags(option)]
    return found


def _flags(option: click.Option) -> list[str]:
    return [option.opts[0], *option.secondary_opts[:1]]


def _line(command: str, option: click.Option, flag: str) -> str:
    words = f"{command} {flag}"
    value = "" if option.is_flag else _value(words, flag, option.type)
    line = INSTEAD.get(words) or LINES[command]
    if command in NETWORK and words not in INSTEAD and option.name in NETWORK_OPTIONS:
        line = NETWORK[command]
    # Said twice, it would be the last one that counts.
    before, found, after = line.partition(f" {flag} ")
    rest = after if option.is_flag else after.partition(" ")[2]
    line = f"{before} {rest}".rstrip() if found else line
    return f"{line} {flag} {value}".rstrip()


def _value(words: str, flag: str, kind: click.ParamType[Any]) -> str:
    if words in VALUES:
        return VALUES[words]
    match kind:
        case click.Choice():
            return str(kind.choices[-1])
        case click.IntRange() | click.FloatRange():
            return f"{1 if kind.min is None else max(kind.min, 1)}"
        case _ if kind is click.INT:
            return "1"
    return VALUES[flag]
