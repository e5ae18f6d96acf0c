"""Every evaluator, score, algorithm and engine, in an environment without some packages."""

import json
import subprocess
import sys

import pytest

from nasdsl.errors import CellError
from nasdsl.search.evaluators import evaluator

#: Prints what becomes of each name where the packages in the arguments are not installed.
PROGRAM = """
import importlib.machinery, json, sys

missing, plain = sys.argv[1:], importlib.machinery.PathFinder.find_spec

def find_spec(name, path=None, target=None):
    return None if name.partition(".")[0] in missing else plain(name, path, target)

importlib.machinery.PathFinder.find_spec = find_spec

from dataclasses import replace
from pathlib import Path
import nasdsl
from nasdsl.errors import CellError
from nasdsl.search.engines.choosing import ENGINES, engine_for
from nasdsl.search.evaluators import evaluator
from nasdsl.search.evaluators.spec import EVALUATORS
from nasdsl.search.proxies import PROXIES
from nasdsl.search.searchers import SEARCHERS, searcher
from nasdsl.search.settings import SearchSettings

space = nasdsl.load_space("nasnet_space")
settings = SearchSettings(space, Path("s.db"))
given = {"table": ":missing.csv", "python": ":math:sqrt", "finish": ":missing.json", "proxy": ":"}
calls = [
    *((f"evaluator {name}", lambda n=name: evaluator(n + given.get(n, "")))
      for name in EVALUATORS.names()),
    *((f"proxy {name}", lambda n=name: evaluator(f"proxy:{n}")) for name in PROXIES.names()),
    *((f"searcher {name}", lambda n=name: searcher(n, space, 0)) for name in SEARCHERS.names()),
    *((f"engine {name}", lambda n=name: engine_for(replace(settings, engine=n)))
      for name in ENGINES.names()),
    ("engine on GPUs", lambda: engine_for(replace(settings, gpus=1000))),
]
found = {}
for what, call in calls:
    try:
        call()
    except CellError as error:
        found[what] = [error.diagnostics[0].code, error.diagnostics[0].message]
    else:
        found[what] = ["", ""]
print(json.dumps(found))
"""

#: What cannot work without these packages, and which it names; the rest has to. What is wrong with
#: the specs themselves is said as ever.
NEEDS = {
    "evaluator train": "torch",
    "evaluator latency": "torch",
    "proxy naswot": "torch",
    "proxy synflow": "torch",
    "searcher ppo": "torch",
    "searcher optuna": "optuna",
    "engine ray": "ray",
    "engine on GPUs": "torch",
}
AS_EVER = {
    "evaluator table": "NAS883",
    "evaluator proxy": "NAS882",
    "evaluator finish": "NAS882",
    "evaluator supernet": "NAS882",
    "evaluator objectives": "NAS882",
    "evaluator predicted": "NAS882",
}


def test_without_pytorch_and_optuna() -> None:
    """NAS701 names the package where it is needed, and nowhere else is it missed."""
    words = [sys.executable, "-c", PROGRAM, "torch", "optuna", "ray"]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert len(found) > 12
    for what, (code, message) in found.items():
        if what in NEEDS:
            assert (code, f"`{NEEDS[what]}`" in message) == ("NAS701", True), what
        else:
            assert code == AS_EVER.get(what, ""), (what, message)


@pytest.mark.parametrize("package", ["accelerate", "sklearn", "torchvision"])
def test_packages_that_are_missed_later(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an evaluator imports when it is made is missed with the same words."""
    pytest.importorskip("torch")
    import nasdsl.search.evaluators.proxy as module

    def without(options: object) -> object:
        raise ModuleNotFoundError(f"No module named '{package}.utils'", name=f"{package}.utils")

    monkeypatch.setattr(module, "_batch", without)
    monkeypatch.setitem(sys.modules, package, None)  # as where it is not installed
    with pytest.raises(CellError) as caught:
        evaluator("proxy:naswot")
    (finding,) = caught.value.diagnostics
    assert (finding.code, f"needs `{package}`" in finding.message) == ("NAS701", True)
