"""Many callers of one SavedModel at once, in threads and in processes."""

import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parent.parent.parent / "benchmarks" / "concurrency.py"


@pytest.mark.slow
def test_many_callers_get_what_one_gets(run, plain_writer):
    """To the bit; the script's own answers, of one call after the other, are the measure."""
    models = ["--classifier", str(run), "--language-model", str(plain_writer)]
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
