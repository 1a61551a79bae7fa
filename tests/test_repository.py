"""The shape of the repository: who imports whom, what an import costs, and what the lock holds."""

import ast
import configparser
import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import zoo
from zoo.utils import pretrained

ROOT = Path(__file__).resolve().parent.parent

# Who may import whom, by the modules and packages directly under zoo/: the arrows of the design.
# Inside a package its modules are free. A public name counts as the unit that it lives in, so that
# `zoo.load` is an import of zoo.serving. A new unit gets a line here.
MAY_IMPORT: dict[str, set[str]] = {
    "registry": set(),
    "utils": set(),
    "datasets": {"registry", "utils"},
    "preprocessing": {"registry", "utils"},
    "layers": {"utils"},
    # models and tasks never import each other: they meet through arguments
    "models": {"layers", "registry", "utils"},
    "tasks": {"preprocessing", "datasets", "registry", "utils"},
    "training": {"tasks", "models", "preprocessing", "datasets", "registry", "utils"},
    "generation": {"utils"},
    "serving": {
        "training",
        "generation",
        "models",
        "tasks",
        "preprocessing",
        "datasets",
        "registry",
        "utils",
    },
}
EVERYTHING_BUT_CLIENTS = {*MAY_IMPORT}
MAY_IMPORT |= {
    "inspection": EVERYTHING_BUT_CLIENTS,
    "catalog": EVERYTHING_BUT_CLIENTS,
    "cli": EVERYTHING_BUT_CLIENTS | {"inspection", "catalog"},
    "__main__": {"cli"},
    # gathers the public names of all of them
    "__init__": EVERYTHING_BUT_CLIENTS | {"inspection", "catalog"},
}
# What only a call imports, and why.
MAY_IMPORT_IN_FUNCTIONS: dict[str, set[str]] = {
    "training": {
        "inspection",  # the TensorBoard callback of a fit
        "serving",  # initial weights from a SavedModel
    },
}

# Who may import TensorFlow, and where: the rest runs on any backend of Keras, without it.
ANYWHERE, IN_FUNCTIONS = "anywhere", "in functions"
MAY_IMPORT_TENSORFLOW = {
    "preprocessing": ANYWHERE,
    "datasets": ANYWHERE,
    "generation": ANYWHERE,
    "inspection": ANYWHERE,
    "serving": ANYWHERE,
    "tasks": IN_FUNCTIONS,  # a gradient inside a training step
    "training": IN_FUNCTIONS,  # what it writes for TensorBoard
    "utils": IN_FUNCTIONS,  # to import it quietly
    "cli": IN_FUNCTIONS,
}

MODULES = sorted((ROOT / "zoo").rglob("*.py"))


class Import(NamedTuple):
    """One name that a file imports, such as zoo.layers.Pooling, and where."""

    name: str
    line: int
    in_function: bool


def unit_of(path: Path) -> str:
    """The module or package directly under zoo/ that a file belongs to."""
    return path.relative_to(ROOT / "zoo").parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[Import]:
    """All imports of a file: at the top, in functions, by importlib with a literal name, and those
    behind public names, such as `zoo.load`."""
    package = path.relative_to(ROOT).parent.parts

    def walk(node: ast.AST, in_function: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, in_function)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            for alias in node.names:
                parts = (*base, *filter(None, [node.module]), alias.name)
                yield Import(".".join(parts), node.lineno, in_function)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant):
                    yield Import(str(argument.value), node.lineno, in_function)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "zoo":
            yield Import(f"zoo.{node.attr}", node.lineno, in_function)
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, in_function or inside)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), False)


def is_unit(name: str) -> bool:
    return (ROOT / "zoo" / name).is_dir() or (ROOT / "zoo" / f"{name}.py").exists()


def imported_unit(name: str) -> str | None:
    """The unit that an imported name lives in; None outside the zoo."""
    first, *rest = name.split(".")
    if first != "zoo" or not rest or rest[0] == "__version__":
        return None
    if is_unit(rest[0]):
        return rest[0]
    return zoo._HOMES.get(rest[0], "models").split(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_keep_to_the_design(path):
    unit = unit_of(path)
    assert unit in MAY_IMPORT, f"Say in MAY_IMPORT what zoo.{unit} may import."
    allowed = MAY_IMPORT[unit] | {unit}
    in_functions = allowed | MAY_IMPORT_IN_FUNCTIONS.get(unit, set())
    wrong = [
        f"line {found.line}: {found.name}"
        for found in imports(path)
        if imported_unit(found.name)
        not in {None, *(in_functions if found.in_function else allowed)}
    ]
    assert not wrong, f"zoo.{unit} may import of the zoo only {sorted(MAY_IMPORT[unit])}."


def test_no_unit_imports_another_in_a_circle():
    """Imports in functions aside, which the table names."""
    for unit, allowed in MAY_IMPORT.items():
        for other in allowed:
            assert unit not in MAY_IMPORT[other], (
                f"zoo.{unit} and zoo.{other} may import each other."
            )


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("zoo.load", "serving"),
        ("zoo.GRU", "models"),
        ("zoo.serving.saved_model", "serving"),
        ("zoo.datasets", "datasets"),
        ("numpy.zoo", None),
    ],
)
def test_a_public_name_counts_as_the_unit_that_it_lives_in(name, unit):
    assert imported_unit(name) == unit


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_tensorflow_stays_where_it_belongs(path):
    where = MAY_IMPORT_TENSORFLOW.get(unit_of(path))
    wrong = [
        f"line {found.line}: {found.name}"
        for found in imports(path)
        if re.match(r"tensorflow(_\w+)?(\.|$)", found.name)
        and not (where == ANYWHERE or (where == IN_FUNCTIONS and found.in_function))
    ]
    assert not wrong, f"zoo.{unit_of(path)} may import TensorFlow {where or 'nowhere'}."


def run_python(code: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(
    "code",
    [
        "import zoo",
        "import sys; from zoo.cli import main; sys.argv = ['zoo', '--help']; main()",
        "import runpy, sys; sys.argv = ['zoo', '--help']; runpy.run_module('zoo', alter_sys=True)",
    ],
    ids=["import zoo", "zoo --help", "python -m zoo --help"],
)
def test_starts_without_tensorflow_and_keras(code):
    report = "print(*{'tensorflow', 'keras'} & set(sys.modules), file=sys.stderr)"
    ran = run_python(f"import atexit, sys; atexit.register(lambda: {report}); {code}")
    assert (ran.returncode, ran.stderr.strip()) == (0, "")


def test_the_path_to_a_trained_model_needs_no_tensorflow_of_its_own():
    """Keras may bring it; what trains on another backend does not import it."""
    ran = run_python(
        "import importlib, pkgutil, sys, keras; sys.modules['tensorflow'] = None\n"
        "for unit in ['layers', 'models', 'tasks', 'training']:\n"
        "    module = importlib.import_module(f'zoo.{unit}')\n"
        "    for found in pkgutil.iter_modules(getattr(module, '__path__', [])):\n"
        "        importlib.import_module(f'zoo.{unit}.{found.name}')\n"
    )
    assert ran.returncode == 0, ran.stderr


def direct_requirements() -> list[Requirement]:
    """What setup.cfg asks for, with all of its extras."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    texts = [
        config["options"]["install_requires"],
        *config["options.extras_require"].values(),
    ]
    return [Requirement(line) for text in texts for line in text.strip().splitlines() if line]


class Pin(NamedTuple):
    """One entry of requirements.lock."""

    requirement: Requirement
    is_direct: bool
    has_hash: bool


def pins() -> list[Pin]:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)[1:]
    return [
        Pin(
            requirement=Requirement(entry.splitlines()[0].rstrip(" \\")),
            is_direct="language-model-zoo" in entry,
            has_hash="--hash=sha256:" in entry,
        )
        for entry in entries
    ]


def test_the_lock_holds_what_setup_cfg_asks_for():
    asked = {canonicalize_name(requirement.name) for requirement in direct_requirements()}
    lock_folder = {canonicalize_name(pin.requirement.name) for pin in pins() if pin.is_direct}
    assert lock_folder == asked, "Run `make lock`."


def test_the_lock_fits_the_versions_of_setup_cfg():
    asked = {canonicalize_name(wanted.name): wanted.specifier for wanted in direct_requirements()}
    for pin in pins():
        (exact,) = pin.requirement.specifier
        assert exact.operator == "=="
        wanted = asked.get(canonicalize_name(pin.requirement.name))
        assert wanted is None or wanted.contains(exact.version), f"{pin.requirement}: `make lock`."


def test_the_lock_has_hashes():
    assert [str(pin.requirement) for pin in pins() if not pin.has_hash] == []


def test_setup_cfg_names_every_package():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    named = set(config["options"]["packages"].split())
    found = {".".join(p.parent.relative_to(ROOT).parts) for p in ROOT.glob("zoo/**/__init__.py")}
    assert named == found | {"zoo.saved_models"}


def test_an_installed_package_has_the_models(tmp_path):
    """Out of a wheel, where there is no checkout."""
    source = tmp_path / "source"
    shutil.copytree(
        ROOT / "zoo", source / "zoo", ignore=shutil.ignore_patterns("__pycache__", "saved_models")
    )
    shutil.copytree(ROOT / "saved_models", source / "saved_models")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "install"]
    place = tmp_path / "installed"
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--target", str(place)]
    subprocess.run([*pip, *options, str(source)], check=True, capture_output=True, timeout=300)
    code = (
        "from zoo.utils import checksums, pretrained; print(*pretrained.names())\n"
        "for name in pretrained.names(): checksums.check_manifest(pretrained.folder() / name)\n"
        "print(pretrained.folder())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(place)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    names, folder = ran.stdout.splitlines()
    assert names.split() == pretrained.names()
    assert folder == str(place / "zoo" / "saved_models")


def repository_files() -> list[Path]:
    """The files that are tracked, or would be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def test_no_file_names_this_machine():
    """Neither where packages come from nor a folder that only one machine has.

    SavedModels are read too: a graph can remember where it was traced.
    """
    folders = {"home", "root", "Users", ROOT.parts[1], Path.home().parts[1]} - {"tmp", "usr", "opt"}
    patterns = [
        rb"--(extra-)?index-url|INDEX_[U]RL|https?://\S+/simple\b",
        rb"(?<![\w./~)}>*-])/(%s)/\w" % b"|".join(map(os.fsencode, sorted(folders))),
    ]
    found = [
        f"{path.relative_to(ROOT)}: {match[0]!r}"
        for path, pattern in itertools.product(repository_files(), patterns)
        for match in re.finditer(pattern, path.read_bytes())
    ]
    assert found == []
