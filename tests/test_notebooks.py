"""The notebooks as they are committed, and what runs them."""

import ast
import importlib.util
import itertools
import os
import re
import sys
import zlib
from pathlib import Path

import nbformat
import pytest

import zoo

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"
# In two parts, so that this file itself names no folder of a machine.
HOME = "/" + "home"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NAMES = {
    "compare_architectures",
    "export_and_serve",
    "inspect",
    "long_range_memory",
    "quickstart",
    "text_generation",
    "your_own_data",
}
PACKAGES = {"zoo", "keras", "matplotlib", "numpy", "tensorboard", "tensorflow"}

# What a sentence of a dataset is told by: nobody writes so many of its words in a row by chance.
WORDS_IN_A_ROW = 8

PREPARED = os.environ.get("TFDS_DATA_DIR", "")


def load_runner():
    spec = importlib.util.spec_from_file_location("run_notebooks", FOLDER / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


runner = load_runner()
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def sources(path: Path) -> list[str]:
    """The code of all cells, without the lines that the shell runs."""
    cells = [cell.source for cell in runner.read(path).cells if cell.cell_type == "code"]
    return [re.sub(r"^[!%](?:.*\\\n)*.*$", "", source, flags=re.MULTILINE) for source in cells]


def test_all_of_them_are_there_and_listed():
    assert {path.stem for path in NOTEBOOKS} == NAMES
    listed = re.findall(r"\]\((\w+)\.ipynb\)", (FOLDER / "README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(NAMES)


@each_notebook
def test_outputs_are_those_of_one_clean_run(path):
    notebook = runner.read(path)
    assert runner.warnings(notebook) == []
    assert any(cell.get("outputs") for cell in notebook.cells)


@each_notebook
def test_it_was_cleaned(path):
    notebook = runner.read(path)
    as_cleaned = runner.read(path)
    runner.clean(as_cleaned)
    assert notebook == as_cleaned


def test_all_together_are_small():
    assert sum(path.stat().st_size for path in NOTEBOOKS) < 3e6


@each_notebook
def test_only_public_names(path):
    public = set(dir(zoo))
    for source in sources(path):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom):
                imported = [node.module]
                assert node.module.split(".")[0] != "zoo", "expected import zoo, then zoo.x"
            elif isinstance(node, ast.Import):
                imported = [alias.name for alias in node.names]
                assert not any(name.startswith("zoo.") for name in imported)
            else:
                imported = []
            packages = {name.split(".")[0] for name in imported}
            assert packages <= PACKAGES | sys.stdlib_module_names
            if isinstance(node, ast.Attribute):
                assert not node.attr.startswith("_")
                if isinstance(node.value, ast.Name) and node.value.id == "zoo":
                    assert node.attr in public


@each_notebook
def test_it_runs_without_a_dataset(path):
    code = "\n".join(sources(path))
    assert not re.search(r"datasets\.(imdb|tiny_shakespeare)\(", code)
    chosen = re.findall(r"^DATA = (.*)$", code, flags=re.MULTILINE)
    assert all(choice.startswith(('"synthetic_reviews"', '"tickets.csv"')) for choice in chosen)


@each_notebook
def test_every_plot_is_preceded_by_text(path):
    kinds = [cell.cell_type for cell in runner.read(path).cells]
    assert kinds[0] == "markdown"
    assert kinds.count("markdown") >= kinds.count("code") / 2


def words_in_a_row(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return set(zip(*(words[start:] for start in range(WORDS_IN_A_ROW)), strict=False))


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["imdb_reviews", "tiny_shakespeare"])
def test_no_text_of_datasets(dataset):
    if not Path(PREPARED, dataset).is_dir():
        pytest.skip("TFDS_DATA_DIR holds no prepared copy")
    shown = set().union(*(words_in_a_row(path.read_text(encoding="utf-8")) for path in NOTEBOOKS))
    texts = zoo.datasets.load(dataset)
    splits = (texts.train, texts.validation, texts.test)
    for text in itertools.chain.from_iterable(split["text"] for split in splits):
        assert not words_in_a_row(text) & shown


# What runs them


def made_notebook(*sources: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])


def ran_notebook(**output) -> nbformat.NotebookNode:
    """A notebook of one cell that has run, and said this."""
    notebook = made_notebook("1")
    notebook.cells[0].execution_count = 1
    notebook.cells[0].outputs = [nbformat.v4.new_output(**output)]
    return notebook


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"output_type": "stream", "name": "stderr", "text": "x"}, "wrote on standard error: 'x'"),
        (
            {"output_type": "error", "ename": "KeyError", "evalue": "'x'", "traceback": []},
            "Cell 1 ended with KeyError: 'x'",
        ),
        (
            {"output_type": "stream", "name": "stdout", "text": f"a file {HOME}/ann/x.csv"},
            f"A path of this machine: '{HOME}/ann/x.csv'",
        ),
        (
            {"output_type": "display_data", "data": {"text/html": "<td>/tmp/x1</td>"}},
            "A path of this machine: '/tmp/x1</td>'",
        ),
        (
            {"output_type": "stream", "name": "stdout", "text": "1\nWARNING: All log messages"},
            "A log line of this machine: 'WARNING: All",
        ),
        (
            {"output_type": "stream", "name": "stdout", "text": "x.py:3: UserWarning: old"},
            "A log line of this machine: 'x.py:3: UserWarning",
        ),
    ],
)
def test_what_does_not_belong_into_an_output_is_said(output, said):
    (sentence, *_) = runner.warnings(ran_notebook(**output))
    assert said in sentence


@pytest.mark.parametrize("text", ["", "a served/model/1 and models/x", "24/7", "the war/peace"])
def test_what_belongs_there_is_not(text):
    assert runner.warnings(ran_notebook(output_type="stream", name="stdout", text=text)) == []


def test_cells_out_of_order_are_said():
    notebook = made_notebook("1", "2")
    notebook.cells[0].execution_count, notebook.cells[1].execution_count = 2, 1
    assert runner.warnings(notebook) == [
        "Expected cells that ran once each, in order; their numbers are [2, 1]."
    ]


def test_a_run_is_in_an_empty_folder_and_cleaned():
    notebook = made_notebook(
        "import os, sys; print(os.listdir()); x = 2",
        "class Shown:\n    def _repr_html_(self):\n        return f'<b>{x}</b>'\nShown()",
        "import zlib; print(os.environ['TF_CPP_MIN_LOG_LEVEL'], zlib.crc32(sys.prefix.encode()))",
    )
    assert runner.run(notebook) == []
    outputs = [cell.outputs for cell in notebook.cells]
    assert outputs[0] == [{"output_type": "stream", "name": "stdout", "text": "[]\n"}]
    assert outputs[1][0].data == {"text/html": "<b>2</b>"}
    assert outputs[2][0].text == f"3 {zlib.crc32(sys.prefix.encode())}\n"  # This very Python.
    assert notebook.cells[0].metadata == {} and notebook.cells[0].id == "cell-0"


def test_an_error_and_a_cell_that_takes_too_long_are_said():
    (error,) = runner.run(made_notebook("1 / 0"))
    assert "ZeroDivisionError" in error
    (stopped,) = runner.run(made_notebook("import time\nwhile True: time.sleep(0.1)"), seconds=1)
    assert stopped == "A cell took more than 1 seconds and was stopped."


def test_standard_error_is_said():
    (sentence, *_) = runner.run(made_notebook("import warnings; warnings.warn('old')"))
    assert "standard error" in sentence and "UserWarning: old" in sentence
