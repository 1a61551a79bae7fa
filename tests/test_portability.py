"""What the zoo takes of the operating system: Linux, macOS and Windows lack different things.

The tests run on Linux. What the others lack is taken away, or looked for in the source.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "zoo").rglob("*.py"))

# What only POSIX has, or only Linux.
POSIX_MODULES = {
    *("crypt", "curses", "fcntl", "grp", "nis", "ossaudiodev", "posix", "pty", "pwd", "readline"),
    *("resource", "spwd", "syslog", "termios", "tty"),
}
POSIX_NAMES = {
    "os": {
        *("chown", "chroot", "fchmod", "fchown", "fork", "forkpty", "getegid", "geteuid", "getgid"),
        *("getgroups", "getloadavg", "getpgid", "getpgrp", "getpriority", "getsid", "getuid"),
        *("killpg", "lchown", "mkfifo", "mknod", "nice", "openpty", "pathconf", "pread", "pwrite"),
        *("register_at_fork", "sched_getaffinity", "sched_setaffinity", "sendfile", "setpgid"),
        *("setsid", "statvfs", "sysconf", "sync", "uname", "wait", "waitid", "WIFEXITED"),
        *("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_SYNC"),
    },
    "signal": {
        *("SIGALRM", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH"),
        *("alarm", "pause", "pthread_kill", "setitimer", "sigwait"),
    },
    "time": {"clock_settime", "pthread_getcpuclockid", "tzset"},
}
TEXT_CALLS = {"open", "read_text", "write_text"}


def nodes(file: Path) -> Iterator[tuple[ast.AST, list[ast.AST]]]:
    """Every node of a module, and those above it."""
    left: list[tuple[ast.AST, list[ast.AST]]] = [(ast.parse(file.read_text("utf-8")), [])]
    while left:
        node, above = left.pop()
        yield node, above
        left += [(child, [*above, node]) for child in ast.iter_child_nodes(node)]


def is_guarded(name: str, above: list[ast.AST]) -> bool:
    """Whether a node runs only where a name is known to be there."""
    tests = [ast.unparse(node.test) for node in above if isinstance(node, (ast.If, ast.IfExp))]
    handlers = [h for node in above if isinstance(node, ast.Try) for h in node.handlers if h.type]
    caught = {ast.unparse(handler.type) for handler in handlers if handler.type}
    return any(name in test and "hasattr" in test for test in tests) or "ImportError" in caught


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_nothing_is_taken_for_granted_that_only_posix_has(file):
    for node, above in nodes(file):
        if isinstance(node, ast.Import):
            taken = {alias.name.partition(".")[0] for alias in node.names} & POSIX_MODULES
        elif isinstance(node, ast.ImportFrom):
            taken = {(node.module or "").partition(".")[0]} & POSIX_MODULES
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            taken = {node.attr} & POSIX_NAMES.get(node.value.id, set())
        else:
            continue
        for name in taken:
            assert is_guarded(name, above), f"{file}:{node.lineno}: {name}"


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_text_files_name_their_encoding(file):
    """Python takes that of the system by default, which on Windows is none of Unicode's."""
    for node, _ in nodes(file):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        arguments = [ast.unparse(argument) for argument in node.args]
        is_binary = any(
            argument.strip("'\"") in ("rb", "wb", "r+b", "ab") for argument in arguments
        )
        is_other = ast.unparse(node.func).startswith(("os.", "gzip.", "Image.", "webbrowser."))
        if name not in TEXT_CALLS or is_binary or is_other:
            continue
        keywords = {keyword.arg for keyword in node.keywords}
        assert (
            "encoding" in keywords or "/proc" in ast.unparse(node) or file.name == ("resources.py")
        ), f"{file}:{node.lineno}: {ast.unparse(node)}"


# As on macOS: no affinity. As on Windows: no modules of POSIX either, and no folder can be opened.
LACKING = {
    "macOS": "del os.sched_getaffinity",
    # Without `resource`, psutil does not run on Linux.
    "Windows by its modules": "del os.sched_getaffinity\n"
    "sys.modules.update(fcntl=None, resource=None)",
    "Windows": "del os.sched_getaffinity; import click, psutil, tempfile\n"
    "sys.modules.update(fcntl=None, resource=None); sys.platform = 'win32'",
}
USE = """
import zoo.cli
from zoo.utils import files, resources
assert resources.num_cores() == os.cpu_count()
assert resources.psutil is None or resources.peak_memory() > 1e6
assert resources.available_memory() > 0 and resources.free_disk('.') > 0
with files.lock_folder('run'):
    files.write_json('run/report.json', [1])
for name in ('a', 'b'):
    with files.atomic_write('run') as new:
        new.mkdir()
        (new / name).touch()
print(os.listdir('.'), os.listdir('run'))
"""


@pytest.mark.parametrize("system", LACKING)
def test_files_and_resources_work_without_what_a_system_lacks(system, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", f"import os, sys\n{LACKING[system]}\n{USE}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout == "['run'] ['b']\n", ran.stderr
