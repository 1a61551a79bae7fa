"""Files appear whole or not at all."""

import os
import pathlib
import subprocess
import sys

import pytest

from zoo.training.run import Run
from zoo.utils import files


def test_a_file_and_a_folder_take_the_place_of_older_ones(tmp_path):
    for version in ("old", "new"):
        with files.atomic_write(tmp_path / "file") as path:
            path.write_text(version)
        with files.atomic_write(tmp_path / "folder") as path:
            path.mkdir()
            (path / version).write_text(version)
    assert (tmp_path / "file").read_text() == "new"
    assert os.listdir(tmp_path / "folder") == ["new"]
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_nothing_is_left_of_writing_that_fails(tmp_path):
    (tmp_path / "file").write_text("old")
    with pytest.raises(KeyboardInterrupt), files.atomic_write(tmp_path / "file") as path:
        path.write_text("half")
        raise KeyboardInterrupt
    assert (tmp_path / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(files.FileError, match=r"Cannot write .*file/report\.json: "),
        files.atomic_write(tmp_path / "file" / "report.json"),
    ):
        pass


def test_json_that_is_missing_or_damaged_is_named(tmp_path):
    with pytest.raises(files.FileError, match=r"a\.json is missing: expected a report there"):
        files.read_json(tmp_path / "a.json", "a report")
    for damaged in (b"{", b"\xff", b"[" * 100_000):
        (tmp_path / "a.json").write_bytes(damaged)
        with pytest.raises(files.FileError, match=r"a\.json is damaged: expected a report as JSON"):
            files.read_json(tmp_path / "a.json", "a report")


_HOLD = """
import sys, time
from zoo.training.run import Run
from zoo.utils import files
with files.lock_folder(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_folder_is_held_by_one_process_until_that_dies(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, tmp_path / "run"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        message = "run is in use: another process is writing a run there"
        with pytest.raises(files.FileError, match=message), files.lock_folder(tmp_path / "run"):
            pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    with files.lock_folder(tmp_path / "run"):
        pass


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("gs://bucket/run", "gs://bucket/run"),
        (pathlib.Path("s3://bucket/run"), "s3://bucket/run"),
        ("HTTPS://host/model.keras", "HTTPS://host/model.keras"),
        ("file:///run", "file://run"),
    ],
)
def test_a_url_is_no_path(given, shown):
    expected = rf"^{shown} must be a path on this machine; it is a URL\."
    for use in (files.user_path, Run, Run.find):
        with pytest.raises(files.FileError, match=expected):
            use(given)


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert files.user_path("~/runs") == tmp_path / "runs"
    assert files.user_path("~") == tmp_path
    assert files.user_path("runs/~a") == pathlib.Path("runs/~a")
    assert files.user_path(b"C:/runs") == pathlib.Path("C:/runs")
    with pytest.raises(files.FileError, match=r"~nobody-here/a must be a path; its ~ names no"):
        files.user_path("~nobody-here/a")


@pytest.mark.skipif(os.sep == "\\", reason="such names are not allowed")
@pytest.mark.parametrize("name", ["run [1]", "a*b?", "{a,b}", "back\\slash"])
@pytest.mark.parametrize("can_link", [True, False])
def test_tensorflow_gets_no_path_that_it_takes_for_a_pattern(name, can_link, tmp_path, monkeypatch):
    (tmp_path / name).mkdir()
    (tmp_path / name / "file").write_text("content")
    if not can_link:

        def refuse(*arguments, **options):
            raise OSError("A required privilege is not held by the client.")

        monkeypatch.setattr(pathlib.Path, "symlink_to", refuse)
    monkeypatch.chdir(tmp_path)
    with files.without_pattern(pathlib.Path(name)) as place:
        assert not set(str(place)) & set("[]*?{}\\")
        assert (place / "file").read_text() == "content"
    assert not place.exists() and (tmp_path / name / "file").is_file()


def test_another_path_is_used_as_it_is(tmp_path):
    with files.without_pattern(tmp_path) as place:
        assert place is tmp_path
