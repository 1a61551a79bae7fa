"""What an earlier fit has left in the folder of a run: what a fit resumes, replaces or refuses."""

from collections.abc import Sequence

from zoo.training.report import Report
from zoo.training.resume import check_same
from zoo.training.run import Run, seed_folders
from zoo.utils import files


def check_earlier(
    run: Run, seeds: Sequence[int] | None, *, resume: bool, overwrite: bool
) -> list[str]:
    """Checks, before a fit, what is in the folder of its run; nothing is changed.

    Args:
        run: The folder.
        seeds: The seeds of the fit; None for a single one.
        resume: Whether the fit resumes an interrupted one.
        overwrite: Whether it replaces whatever an earlier fit has left.

    Returns:
        Sentences on what the fit will replace.

    Raises:
        ValueError: If the folder holds an interrupted fit, and neither `resume` nor `overwrite`
            says what becomes of it; or one that cannot be resumed with these seeds.
        FileError: If the folder holds files that no fit has written.
    """
    if resume and overwrite:
        raise ValueError("resume must be False with overwrite=True: there is nothing to resume.")
    _check_own(run)
    if resume:
        _check_seeds(run, seeds)
        return []
    if overwrite:
        return []
    if is_interrupted(run):
        raise ValueError(
            f"{run.path} holds an interrupted fit: resume=True continues it, overwrite=True "
            "removes it and starts again."
        )
    return [f"{run.path} holds a finished run, which is replaced."] if run.has_ended else []


def is_interrupted(run: Run) -> bool:
    """Whether a folder holds a fit, of one seed or several, that was stopped before its end."""
    seeds = [Run(folder) for folder in seed_folders(run)]
    has_ended_in_part = not run.has_ended and any(seed.has_ended for seed in seeds)
    return has_ended_in_part or any(each.checkpoint.is_file() for each in (run, *seeds))


def _check_own(run: Run) -> None:
    """Raises a `FileError` for a folder in which a fit would replace files of others."""
    own = (run.task, run.checkpoint, *seed_folders(run))
    if any(path.exists() for path in own) and not (run.path / "saved_model.pb").exists():
        return
    others = (run.path / "saved_model.pb", run.model, run.report, run.logs)
    found = [path.name for path in others if path.exists()]
    if found:
        raise files.FileError(
            f"{run.path} must be a new folder or that of a run; it holds {' and '.join(found)} and "
            "no task.json. Use another folder."
        )


def _check_seeds(run: Run, seeds: Sequence[int] | None) -> None:
    """Raises a `ValueError` if the folder holds a fit of one seed and several are asked for."""
    folders = [int(folder.name.removeprefix("seed_")) for folder in seed_folders(run)]
    there: list[int] | None = sorted(folders) or None
    if run.has_ended:
        runs = Report.load(run.report).runs
        there = [each.seed for each in runs if each.seed is not None] or None
    elif not folders and not run.checkpoint.is_file():
        return
    # Seeds can be added: each is a separate fit.
    if (there is None) != (seeds is None) or not {*(there or ())} <= {*(seeds or ())}:
        now = None if seeds is None else list(seeds)
        check_same(run, {"seeds": there}, {"seeds": now})
