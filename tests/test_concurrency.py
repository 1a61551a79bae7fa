"""Many callers of one SavedModel at once, in threads and in processes."""

import pathlib
import subprocess
import sys

import zoo

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "benchmarks" / "concurrency.py"


def test_many_callers_get_what_one_gets(run, writing_run, tmp_path):
    """To the bit; the script's own answers, of one call after the other, are the measure."""
    # Not compiled, which would take longer than all the calls.
    writer = zoo.export_saved_model(*zoo.load(writing_run), tmp_path / "1", jit_compile=False)
    models = ["--classifier", str(run), "--writer", str(writer)]
    size = ["--threads", "16", "--processes", "2", "--calls", "400", "--distinct", "60"]
    ran = subprocess.run(
        [sys.executable, SCRIPT, *models, *size],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "16 threads: 400 calls, 0 differ" in ran.stdout
    assert "first calls: 60 calls, 0 differ" in ran.stdout
    assert "2 processes: 120 calls, 0 differ" in ran.stdout
