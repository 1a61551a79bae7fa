"""A disk that is full, or cannot be written to: one sentence, and what was there stays."""

import dataclasses
import os
import re
import resource
import signal
import subprocess
import sys

import pytest

import zoo
from tests.training.test_resume import RECIPES, assert_same, facts
from zoo.training import checkpoint
from zoo.utils import files


@pytest.fixture
def disk(tmp_path):
    """A folder that is a disk of 64 KiB, and a function that mounts it with other options."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(*options):
        return subprocess.run(
            ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", folder],
            capture_output=True,
            check=False,
        ).returncode

    if os.geteuid() != 0 or mount("size=64k"):
        pytest.skip("mounting a small disk takes root, and a machine that lets it")
    yield folder, lambda *options: mount("remount", *options)
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_file_that_does_not_fit_leaves_the_older_one(disk):
    folder, _ = disk
    files.write_json(folder / "report.json", "old")
    with pytest.raises(files.FileError, match=r"Cannot write .*report\.json: No space left"):
        files.write_json(folder / "report.json", "new" * 50_000)
    assert files.read_json(folder / "report.json", "a report") == "old"
    assert os.listdir(folder) == ["report.json"]


def test_a_disk_that_is_read_only_leaves_the_older_one(disk):
    folder, remount = disk
    files.write_json(folder / "report.json", "old")
    remount("ro")
    with pytest.raises(files.FileError, match=r"Cannot write .*report\.json: Read-only file"):
        files.write_json(folder / "report.json", "new")
    assert files.read_json(folder / "report.json", "a report") == "old"


@pytest.mark.slow
def test_a_fit_goes_on_when_there_is_room(disk, tmp_path, monkeypatch):
    folder, remount = disk
    recipe = dataclasses.replace(
        RECIPES["lstm"], training={**RECIPES["lstm"].training, "dashboards": "default"}
    )
    monkeypatch.setattr(checkpoint.Checkpoint, "is_due", True)
    warnings = []
    for kibibytes in (4, 20, 64, 130, 220, 300, 450, 700, 1200, 3000):
        remount(f"size={kibibytes}k")
        try:
            recipe.fit(folder / "run", verbose=False)
        except files.FileError as error:
            warnings.append(str(error))
        else:
            break
    assert len(warnings) >= 4
    for fault in warnings:
        assert re.fullmatch(rf"Cannot write {folder}/run/[\w./]+: No space left on device\.", fault)
    recipe.fit(tmp_path / "whole", verbose=False)
    assert_same(facts(folder / "run"), facts(tmp_path / "whole"))


def test_an_export_that_does_not_fit_leaves_the_older_one(run, disk):
    folder, remount = disk
    model, task = zoo.load(run)
    remount("size=10m")
    zoo.export_saved_model(model, task, folder / "1")
    before = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    taken = sum(map(len, before.values()))
    remount(f"size={(taken * 3 // 2) // 1024}k")
    with pytest.raises(files.FileError, match=f"Cannot write {folder / '1'}"):
        zoo.export_saved_model(model, task, folder / "1")
    assert os.listdir(folder) == ["1"]
    assert before == {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    zoo.pipeline("sentiment-analysis", folder / "1")("A fine film.")


def bounded():
    """Lets a process write no file of more than 20 kB, as a quota does."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def test_a_quota_is_one_sentence(tmp_path):
    RECIPES["lstm"].save(tmp_path / "recipe.toml")
    words = ["fit", "--recipe", tmp_path / "recipe.toml", "--out", tmp_path / "run", "--quiet"]
    ran = subprocess.run(
        [sys.executable, "-c", "from zoo.cli import main; main()", *words],
        preexec_fn=bounded,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith(f"Error: Cannot write {tmp_path / 'run'}")
    assert ran.stderr.endswith(": File too large.\n")
    assert ran.stderr.count("\n") == 1
