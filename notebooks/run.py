"""Runs the notebooks, each from its first cell to its last, and looks at what they say.

    .venv/bin/python notebooks/run.py                # whether they run, and cleanly
    .venv/bin/python notebooks/run.py --write        # the same, and their outputs into the files
    .venv/bin/python notebooks/run.py quickstart     # one alone

Each runs in an empty folder that is removed afterwards, in a kernel of this very Python. Wrong are
errors, whatever a notebook says on standard error, warnings, log lines and paths of this
machine in its outputs, and a cell that takes too long.
"""

import argparse
import os
import pathlib
import re
import resource
import sys
import tempfile
import time

import nbformat

FOLDER = pathlib.Path(__file__).resolve().parent

# A cell is stopped after so many seconds; on two quiet cores a whole notebook takes less than 60.
SECONDS_A_CELL = 300

# What the kernel is told by its environment: TensorFlow's C++ is quiet, as it is under `zoo`.
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}

_LOG_LINE = re.compile(
    r"^\s*(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|[IWEF]\d{4} \d\d:\d\d|(\w*Warning|WARNING|ERROR|INFO)\b)"
    r"|^\s*\S+:\d+: \w*Warning:",
    re.MULTILINE,
)
_MACHINE_PATH = re.compile(r"(?<![\w./~)}*<-])/(home|root|tmp|Users|work|var|opt)/\w")


def main() -> int:
    """Runs the notebooks that are named, or all; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="notebooks, by name; all where none is named")
    parser.add_argument("--write", action="store_true", help="put the outputs into the files")
    parser.add_argument("--seconds", type=int, default=SECONDS_A_CELL, help="the most a cell takes")
    arguments = parser.parse_args()
    there = {path.stem: path for path in sorted(FOLDER.glob("*.ipynb"))}
    unknown = sorted(set(arguments.names) - set(there))
    if unknown or not there:
        parser.error(f"expected some of {', '.join(there) or 'no'} notebooks; came {unknown}.")
    _make_font_cache()

    failed = False
    for name in arguments.names or there:
        notebook = read(there[name])
        start, processor = time.perf_counter(), _processor_seconds()
        wrong = run(notebook, arguments.seconds)
        took, processor = time.perf_counter() - start, _processor_seconds() - processor
        print(f"{name:24}{took:5.0f} s, {processor:.0f} s of a processor", flush=True)
        for sentence in wrong:
            print(f"  {sentence}", flush=True)
        if arguments.write and not wrong:
            nbformat.write(notebook, there[name])
        failed |= bool(wrong)
    return int(failed)


def read(path: pathlib.Path) -> nbformat.NotebookNode:
    """A notebook from its file.

    Raises:
        nbformat.ValidationError: for what is none.
    """
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def run(notebook: nbformat.NotebookNode, seconds: int = SECONDS_A_CELL) -> list[str]:
    """Runs all cells; the notebook then holds the cleaned outputs. Gives what is wrong."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    with tempfile.TemporaryDirectory() as scratch:
        work = pathlib.Path(scratch, "work")
        work.mkdir()
        manager = AsyncKernelManager(
            # Without folders to look in, what is left is the kernel of the Python that runs this:
            # nothing has to be installed in the user's home, and nothing there gets in the way.
            kernel_name="python3",
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
            # Sockets in the folder, where nobody else on the machine listens.
            transport="ipc",
            ip=f"{scratch}/socket",
            connection_file=f"{scratch}/kernel.json",
        )
        client = NotebookClient(
            notebook,
            km=manager,
            timeout=seconds,
            resources={"metadata": {"path": str(work)}},
            record_timing=False,
            coalesce_streams=True,
            shutdown_kernel="immediate",
        )
        try:
            client.execute(env=_environment(scratch), cleanup_kc=True)
        except CellTimeoutError:
            return [f"A cell took more than {seconds} seconds and was stopped."]
        except CellExecutionError as error:
            return [f"An error: {str(error)[-2000:]}"]
    clean(notebook)
    return warnings(notebook)


def _environment(scratch: str) -> dict[str, str]:
    """The kernel's: programs of this Python come first, and no profile of the user is read."""
    programs = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, **_QUIET, "PATH": programs, "IPYTHONDIR": f"{scratch}/ipython"}


def _processor_seconds() -> float:
    """What kernels that have ended took of all cores: it says more where others work too."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _make_font_cache() -> None:
    """Has matplotlib look for fonts now: done first in a notebook, it would say so there."""
    import matplotlib.font_manager

    assert matplotlib.font_manager.fontManager


def clean(notebook: nbformat.NotebookNode) -> None:
    """Leaves what a reader sees: neither metadata of the kernel nor the text behind a picture."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for index, cell in enumerate(notebook.cells):
        cell.id = f"cell-{index}"
        cell.metadata = nbformat.from_dict({})
        for output in cell.get("outputs", []):
            if "data" not in output:
                continue
            output.metadata = nbformat.from_dict({})
            if set(output.data) & {"text/html", "image/png"}:
                output.data.pop("text/plain", None)


def warnings(notebook: nbformat.NotebookNode) -> list[str]:
    """What is wrong with a notebook as it stands: one sentence each, none for a good one."""
    wrong = []
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    if counts != list(range(1, len(counts) + 1)):
        wrong.append(f"Expected cells that ran once each, in order; their numbers are {counts}.")
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            place = f"Cell {cell.execution_count}"
            if output.output_type == "error":
                wrong.append(f"{place} ended with {output.ename}: {output.evalue}.")
            if output.get("name") == "stderr":
                wrong.append(f"{place} wrote on standard error: {output.text[:300]!r}.")
        for text in _texts(cell):
            for what, pattern in (("a log line", _LOG_LINE), ("a path", _MACHINE_PATH)):
                for found in pattern.finditer(text):
                    near = text[found.start() : found.start() + 100]
                    wrong.append(f"{what.capitalize()} of this machine: {near!r}.")
    return wrong


def _texts(cell: nbformat.NotebookNode) -> list[str]:
    """The source of a cell, and all that its outputs say in words."""
    texts = [cell.source]
    for output in cell.get("outputs", []):
        texts.append(output.get("text", ""))
        for kind, value in output.get("data", {}).items():
            if not kind.startswith("image/"):
                texts.append(value if isinstance(value, str) else str(value))
    return texts


if __name__ == "__main__":
    sys.exit(main())
