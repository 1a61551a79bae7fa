"""Run the notebooks from the first cell to the last, and check their outputs.

    .venv/bin/python notebooks/run.py                # check all notebooks
    .venv/bin/python notebooks/run.py --write        # check them and save their outputs
    .venv/bin/python notebooks/run.py quickstart     # check one notebook

Each notebook runs in an empty temporary folder, in a kernel of the current Python. A notebook fails
on an error, output to standard error, warnings, log lines and paths of this machine in its
outputs, and on a cell that exceeds the time limit.
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

# Time limit of a cell; on two idle cores a whole notebook takes less than 60 seconds.
SECONDS_A_CELL = 300

# Environment of the kernel: no log lines from TensorFlow's C++, as under `zoo`.
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}

_LOG_LINE = re.compile(
    r"^\s*(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|[IWEF]\d{4} \d\d:\d\d|(\w*Warning|WARNING|ERROR|INFO)\b)"
    r"|^\s*\S+:\d+: \w*Warning:",
    re.MULTILINE,
)
_MACHINE_PATH = re.compile(r"(?<![\w./~)}*<-])/(home|root|tmp|Users|work|var|opt)/\w")


def main() -> int:
    """Run the named notebooks, or all; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="names of notebooks; all by default")
    parser.add_argument("--write", action="store_true", help="save the outputs")
    parser.add_argument("--seconds", type=int, default=SECONDS_A_CELL, help="time limit of a cell")
    arguments = parser.parse_args()
    there = {path.stem: path for path in sorted(FOLDER.glob("*.ipynb"))}
    unknown = sorted(set(arguments.names) - set(there))
    if unknown or not there:
        parser.error(f"names must be among {', '.join(there) or 'none'}; they are {unknown}.")
    _make_font_cache()

    failed = False
    for name in arguments.names or there:
        notebook = read(there[name])
        start, processor = time.perf_counter(), _processor_seconds()
        wrong = run(notebook, arguments.seconds)
        took, processor = time.perf_counter() - start, _processor_seconds() - processor
        print(f"{name:24}{took:5.0f} s, {processor:.0f} s of CPU time", flush=True)
        for sentence in wrong:
            print(f"  {sentence}", flush=True)
        if arguments.write and not wrong:
            nbformat.write(notebook, there[name])
        failed |= bool(wrong)
    return int(failed)


def read(path: pathlib.Path) -> nbformat.NotebookNode:
    """Read a notebook from its file.

    Raises:
        nbformat.ValidationError: If the file is not a notebook.
    """
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def run(notebook: nbformat.NotebookNode, seconds: int = SECONDS_A_CELL) -> list[str]:
    """Run all cells, store the cleaned outputs in the notebook, and return what is wrong."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    with tempfile.TemporaryDirectory() as scratch:
        work = pathlib.Path(scratch, "work")
        work.mkdir()
        manager = AsyncKernelManager(
            # Without kernel folders, only the kernel of the current Python is left: nothing has to
            # be installed in the user's home, and nothing there interferes.
            kernel_name="python3",
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
            # Sockets in a private folder, inaccessible to other users of the machine.
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
    """Environment of the kernel: programs of this Python come first, no user profile is read."""
    programs = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, **_QUIET, "PATH": programs, "IPYTHONDIR": f"{scratch}/ipython"}


def _processor_seconds() -> float:
    """CPU time of finished kernels, which does not depend on other jobs as much as wall time."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _make_font_cache() -> None:
    """Build matplotlib's font cache; on first use it would print a message in a notebook."""
    import matplotlib.font_manager

    assert matplotlib.font_manager.fontManager


def clean(notebook: nbformat.NotebookNode) -> None:
    """Remove metadata of the kernel, and the plain text of outputs that have an image or HTML."""
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
    """Return one sentence for each problem of a notebook and its outputs."""
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
    """Return the source of a cell and all text of its outputs."""
    texts = [cell.source]
    for output in cell.get("outputs", []):
        texts.append(output.get("text", ""))
        for kind, value in output.get("data", {}).items():
            if not kind.startswith("image/"):
                texts.append(value if isinstance(value, str) else str(value))
    return texts


if __name__ == "__main__":
    sys.exit(main())
