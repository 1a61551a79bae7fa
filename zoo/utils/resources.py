"""Memory and disk: what there is of them, and what this process has taken."""

import os
import pathlib
import resource
import shutil
import sys

from zoo.utils import files

# Control groups bound the memory of a container. For each version of them: the folder they are in,
# the files with the most bytes and with those in use, and what in memory.stat can be given back.
_GROUPS = {
    "": ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    "memory": (
        "/sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
}


def peak_memory() -> int:
    """The most resident memory of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)


def resident_memory() -> int:
    """The resident memory of this process now, in bytes; the most so far where none tells."""
    try:
        pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return peak_memory()
    return pages * os.sysconf("SC_PAGE_SIZE")


def available_memory() -> int | None:
    """Bytes that this process can still take, by the machine and by its control groups.

    None where the system does not tell.
    """
    room = [*_of_machine(), *_of_control_groups()]
    return min(room) if room else None


def free_disk(path: files.StrPath) -> int:
    """Bytes that are free where a path is, or would be once its folders are made."""
    place = pathlib.Path(path).absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def _of_machine() -> list[int]:
    entries = _entries(pathlib.Path("/proc/meminfo"))
    return [entries["MemAvailable:"] * 1024] if "MemAvailable:" in entries else []


def _of_control_groups() -> list[int]:
    try:
        lines = pathlib.Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    room = []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers not in _GROUPS:
            continue
        root, most, used, reclaimable = _GROUPS[controllers]
        # A group is bound by those above it; inside of a container its own may not be seen.
        folder = pathlib.Path(root, group.lstrip("/"))
        for above in (folder, *folder.parents):
            if not above.is_relative_to(root):
                break
            try:
                limit = int((above / most).read_text())
                taken = int((above / used).read_text())
            except (OSError, ValueError):  # Not there, or "max".
                continue
            cached = _entries(above / "memory.stat").get(reclaimable, 0)
            room.append(max(limit - taken + cached, 0))
    return room


def _entries(path: pathlib.Path) -> dict[str, int]:
    """The numbers of a file with a name and a number on each line; none where there is no file."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    return {name: int(number) for name, number, *_ in map(str.split, lines)}
