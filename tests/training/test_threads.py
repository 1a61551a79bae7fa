"""The kernels that a fit stands on, with 1, 2 and 4 threads."""

import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parent.parent.parent / "benchmarks" / "threads.py"


@pytest.mark.slow
def test_one_kernel_alone_depends_on_the_number_of_threads():
    """And with one number of threads, none differs from run to run."""
    ran = subprocess.run(
        [sys.executable, SCRIPT, "--kernels-only"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    differing = [line for line in ran.stdout.splitlines() if not line.endswith("equal")]
    assert all(line.startswith("bias's gradient") for line in differing), ran.stdout
