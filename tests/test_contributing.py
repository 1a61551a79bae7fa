"""The additions that CONTRIBUTING.md shows are complete: applied to a copy, they work."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FIT = """
import pathlib, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
import zoo

assert "attention_gru" in zoo.list_models("classifier")
dataset = zoo.datasets.load("brackets", train_size=64, test_size=20)
task = zoo.tasks.sentiment(dataset, level="spaced")
model = zoo.create_model("attention_gru", **task.model_arguments(), embedding_dim=8, units=8)
zoo.fit_and_evaluate(model, task, epochs=1, log_dir="run", verbose=False)
zoo.export_saved_model(model, task, "run/saved_model/1")
assert zoo.pipeline("sentiment-analysis", "run")("( [ ] )")["label"] in dataset.label_names
events = EventAccumulator("run/logs/train")
events.Reload()
assert "norm/pooling/w" in events.Tags()["tensors"]
"""


def diffs(*, excerpts: bool) -> dict[str, str]:
    """The diffs by the file of the package that they add, or excerpts of files that exist."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = {}
    for diff in re.findall(r"^```diff\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        (added,) = re.findall(r"^\+\+\+ b/(zoo/\S+)$", diff, re.MULTILINE)
        if (ROOT / added).exists() == excerpts:
            found[added] = diff
    return found


def test_each_addition_is_one_file_and_small():
    units = {path.split("/")[1] for path in diffs(excerpts=False) | diffs(excerpts=True)}
    assert units == {"datasets", "inspection", "models", "preprocessing", "serving", "tasks"}
    assert all(len(diff.splitlines()) <= 75 for diff in diffs(excerpts=False).values())


def test_excerpts_are_lines_of_their_files_in_order():
    for path, diff in diffs(excerpts=True).items():
        lines = iter((ROOT / path).read_text(encoding="utf-8").splitlines())
        for line in re.findall(r"^\+(?!\+\+ )(.*)$", diff, re.MULTILINE):
            assert line in lines, f"{path} has no line {line!r} here."


@pytest.mark.slow
def test_the_additions_work(tmp_path):
    for folder in ("zoo", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "saved_models").symlink_to(ROOT / "saved_models")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)

    def run(*command: str, **options) -> None:
        ran = subprocess.run(
            command,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
            **options,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    for diff in diffs(excerpts=False).values():
        run("git", "apply", "-", input=diff)
    run(sys.executable, "-c", FIT)
    tests = ["models/test_contract.py", "preprocessing/test_tokenizer_contract.py"]
    paths = [f"tests/{path}" for path in (*tests, "datasets/test_brackets.py")]
    chosen = "attention_gru or spaced or brackets"
    run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths, "-k", chosen)
