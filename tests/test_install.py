"""The package as people get it: a release and an editable install, each in a fresh environment.

The fresh environments take the dependencies from the package index, as `make` does.
"""

import os
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest

import nasdsl
from tests.clones import PACKAGED, ROOT, clone, other_clone


def run(*words: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Standard output of a command that succeeds."""
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def python(*words: str | Path, cwd: Path) -> str:
    # Warnings of pip and of what builds the wheel are not the project's.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    return run(sys.executable, *words, cwd=cwd, env=env)


def pip(*words: str | Path, cwd: Path) -> None:
    python("-m", "pip", "--disable-pip-version-check", *words, cwd=cwd)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's files alone, so that building leaves nothing in the working tree."""
    return clone(tmp_path_factory.mktemp("install") / "tree")


@pytest.fixture(scope="module")
def built(tree: Path) -> Path:
    """A folder with what is released: the source, and the wheel that is built from it alone."""
    python("-m", "build", "--quiet", cwd=tree)
    return tree / "dist"


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    """The wheel of the release."""
    (found,) = built.glob("nasdsl-*.whl")
    return found


def fresh(folder: Path) -> Path:
    """The scripts of a new environment with nothing in it, not even pip."""
    venv.create(folder / "env", symlinks=True)
    return folder / "env" / "bin"


def install(scripts: Path, *words: str | Path, cwd: Path) -> None:
    """Install into the environment that has these scripts."""
    options = ("--quiet", "--prefer-binary")
    pip("--python", scripts / "python", "install", *options, *words, cwd=cwd)


def check_installed(scripts: Path, elsewhere: Path, home: Path) -> None:
    """The command and the library work from any folder, and come from `home`."""
    where = "import nasdsl, nasdsl.grammar, nasdsl.genotypes, nasdsl_backends as b; print(*map("
    where += "lambda each: each.__path__[0], (nasdsl, nasdsl.grammar, nasdsl.genotypes, b)))"
    places = run(scripts / "python", "-c", where, cwd=elsewhere).split()
    assert all(Path(place).is_relative_to(home) for place in places)
    run(scripts / "nasdsl", "check", "nasnet_a", cwd=elsewhere)
    counted = run(scripts / "nasdsl", "cost", "nasnet_a_large", "--json", cwd=elsewhere)
    assert '"params": 88753150' in counted
    # A file that is there comes before the library's.
    (elsewhere / "bad.cell").write_text("cell normal {")
    bad = subprocess.run([scripts / "nasdsl", "check", "bad.cell"], cwd=elsewhere, check=False)
    assert bad.returncode == 1


def check_clone(scripts: Path, folder: Path) -> None:
    """A clone that is not the installed one reads its own files, if it is where Python looks."""
    mine = clone(folder / "clone")
    (mine / "genotypes" / "mine.cell").write_text("genotype mine\n")
    command = (scripts / "python", "-m", "nasdsl")
    run(*command, "check", "nasnet_a", cwd=mine)
    assert run(*command, "show", "mine", cwd=mine) == "genotype mine\n"
    where = "import nasdsl_backends as b; print(b.__path__[0])"
    found = run(scripts / "python", "-c", f"import nasdsl; {where}", cwd=mine)
    assert Path(found.strip()).is_relative_to(mine)


def test_every_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    """No module, grammar, genotype or explanation is forgotten, and nothing else is there."""
    homes = {"grammar": "nasdsl/grammar", "genotypes": "nasdsl/genotypes", "backends": ""}
    expected = {
        (Path(homes.get(name, name)) / path.relative_to(ROOT / name)).as_posix()
        for name in PACKAGED
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and ".egg-info" not in str(path)
    }
    with ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert found == expected


def test_the_wheel_is_in_order(wheel: Path) -> None:
    """What `check-wheel-contents` looks for: duplicates, empty folders, stray files."""
    checked = run(sys.executable, "-m", "check_wheel_contents", wheel, cwd=ROOT)
    assert checked.rstrip().endswith(": OK")


#: The largest wheel, in bytes: what people wait for who want to check a file.
MAX_WHEEL = 1_200_000


def test_the_wheel_is_small(wheel: Path) -> None:
    """About a megabyte, but for the playground, which is a program of its own."""
    with ZipFile(wheel) as archive:
        playground = sum(
            entry.compress_size
            for entry in archive.infolist()
            if entry.filename.startswith("nasdsl/playground/")
        )
    assert wheel.stat().st_size - playground < MAX_WHEEL


def test_the_index_accepts_what_is_built(built: Path) -> None:
    """The metadata and the description of both files, as `twine` reads them, without warnings."""
    files = sorted(built.iterdir())
    assert [file.name for file in files] == [
        f"nasdsl-{nasdsl.__version__}-py3-none-any.whl",
        f"nasdsl-{nasdsl.__version__}.tar.gz",
    ]
    checked = python("-m", "twine", "--no-color", "check", "--strict", *files, cwd=ROOT)
    assert checked.count("PASSED") == len(files), checked


def test_the_wheel_in_a_fresh_environment(tmp_path, wheel: Path) -> None:
    """`pip install` of the wheel gives a command that works from another folder."""
    scripts = fresh(tmp_path)
    install(scripts, wheel, cwd=tmp_path)
    check_installed(scripts, tmp_path, tmp_path / "env")
    check_clone(scripts, tmp_path)


def test_an_editable_install_in_a_fresh_environment(tmp_path, tree: Path) -> None:
    """`pip install --editable` works from another folder and follows the working tree."""
    scripts = fresh(tmp_path)
    install(scripts, "--editable", tree, cwd=tmp_path)
    check_installed(scripts, tmp_path, tree)
    (tree / "genotypes" / "added.cell").write_text("genotype added\n")
    assert "genotype added" in run(scripts / "nasdsl", "show", "added", cwd=tmp_path)


def test_a_clone_beside_an_editable_install(tmp_path) -> None:
    """The hook of an editable install leads to another clone, where everything differs."""
    scripts = fresh(tmp_path)
    other = other_clone(tmp_path / "other")
    install(scripts, "--editable", other, cwd=other)
    assert run(scripts / "nasdsl", "--version", cwd=tmp_path).startswith("nasdsl 9.")
    check_clone(scripts, tmp_path)
