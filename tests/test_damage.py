"""Each file of a run and of a SavedModel, damaged in each way, is seen and named."""

import shutil

import pytest

import zoo
from zoo.utils import checksums, files


def flipped(content, place):
    """The content with one bit that is another."""
    changed = bytearray(content)
    changed[int(len(changed) * place)] ^= 1
    return bytes(changed)


DAMAGES = {
    "flipped at the start": lambda content: flipped(content, 0),
    "flipped in the middle": lambda content: flipped(content, 0.5),
    "flipped at the end": lambda content: flipped(content, 0.9999),
    "cut": lambda content: content[:-1],
    "empty": lambda content: b"",
    "longer": lambda content: content + b"\n",
    "missing": None,
}


def read_run(folder):
    zoo.load(folder)


def read_saved_model(folder):
    zoo.pipeline("sentiment-analysis", folder / "saved_model" / "1")


@pytest.mark.parametrize(
    ("part", "read"), [("", read_run), ("saved_model/1", read_saved_model)], ids=["run", "served"]
)
def test_no_damage_is_missed(part, read, run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    names = list(files.read_json(folder / part / checksums.MANIFEST, "checksums"))
    assert len(names) >= 3
    for name in names:
        file = folder / part / name
        content = file.read_bytes()
        for damage, change in DAMAGES.items():
            file.unlink()
            if change is not None:
                file.write_bytes(change(content))
            with pytest.raises(files.FileError, match="is (damaged|missing)") as caught:
                read(folder)
            assert str(file) in str(caught.value), (name, damage)
        file.write_bytes(content)
    read(folder)


def test_all_that_a_run_writes_has_a_checksum(run):
    covered = {checksums.MANIFEST, "saved_model/1/manifest.json", "recipe.toml"}
    for part in ("", "saved_model/1/"):
        covered |= {part + name for name in files.read_json(run / part / "manifest.json", "sums")}
    written = {name for name in checksums.files_in(run) if not name.startswith("logs/")}
    assert written <= covered


def test_a_damaged_report_is_not_shown(run, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    file = tmp_path / "run" / "report.json"
    file.write_text(file.read_text().replace('"accuracy": 0.', '"accuracy": 1.'))
    with pytest.raises(files.FileError, match=r"report\.json is damaged: its SHA-256"):
        zoo.Report.load(file)
