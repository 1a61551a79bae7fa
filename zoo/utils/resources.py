"""Memory, disk and processor cores: what is available, and what this process has used."""

import os
import pathlib
import shutil
import sys

from zoo.utils import files

_HAS_RESOURCE = True
try:
    import resource
except ImportError:  # Windows
    _HAS_RESOURCE = False
try:
    import psutil
except ImportError:  # It is no part of a fit: memory is then not known.
    psutil = None

# Control groups limit the memory of a container. For each version of them: their root folder, the
# files with the limit and with the bytes in use, and the entry of memory.stat that can be freed.
_GROUPS = {
    "": ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    "memory": (
        "/sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
}


def num_cores() -> int:
    """The number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def peak_memory() -> int:
    """The peak resident memory of this process, in bytes; 0 if it is not known."""
    if not _HAS_RESOURCE:
        memory = None if psutil is None else psutil.Process().memory_info()
        return getattr(memory, "peak_wset", resident_memory())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)


def resident_memory() -> int:
    """The resident memory of this process, in bytes; 0 if it is not known."""
    return 0 if psutil is None else psutil.Process().memory_info().rss


def available_memory() -> int:
    """The bytes that this process can still use, by the machine and its control groups."""
    of_machine = sys.maxsize if psutil is None else psutil.virtual_memory().available
    return min([of_machine, *_of_control_groups()])


def free_disk(path: files.StrPath) -> int:
    """The free bytes on the disk of a path, whose folders may not exist yet."""
    place = pathlib.Path(path).absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def _of_control_groups() -> list[int]:
    try:
        lines = pathlib.Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    available = []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers not in _GROUPS:
            continue
        root, limit_file, used_file, reclaimable = _GROUPS[controllers]
        # The groups above limit a group too; inside a container its own may not be visible.
        folder = pathlib.Path(root, group.lstrip("/"))
        for above in (folder, *folder.parents):
            if not above.is_relative_to(root):
                break
            try:
                limit = int((above / limit_file).read_text())
                used = int((above / used_file).read_text())
            except (OSError, ValueError):  # No such file, or "max".
                continue
            cached = _entries(above / "memory.stat").get(reclaimable, 0)
            available.append(max(limit - used + cached, 0))
    return available


def _entries(path: pathlib.Path) -> dict[str, int]:
    """The numbers of a file with a name and a number per line; empty if it cannot be read."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    return {name: int(number) for name, number, *_ in map(str.split, lines)}
