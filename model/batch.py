"""Whole folders: which picture goes with which trimap, and a run over all of them."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from model import images

FAILURES = "failures.jsonl"  # in the output folder: one object a line, image and error


class Job(NamedTuple):
    """One picture of a folder.

    Attributes:
        image: The picture.
        guide: Its trimap, or mask; None if the run has none.
        stem: Its place in the folder, without ending: that of what is written too.
    """

    image: Path
    guide: Path | None
    stem: Path


class Tally(NamedTuple):
    """What became of a folder: how many pictures were done, skipped, and failed."""

    done: int
    skipped: int
    failed: int


def find_jobs(
    folder: Path, guides: Path | None, recursive: bool
) -> tuple[list[Job], dict[Path, str]]:
    """Matches pictures with trimaps of the same name, whatever the endings.

    Args:
        folder: Of pictures.
        guides: Of trimaps, or of masks; None if there is nothing to match.
        recursive: Whether folders inside count too.

    Returns:
        The jobs, by name, and what is wrong with the other pictures.

    Raises:
        ValueError: If there is no picture at all.
        FileNotFoundError: If there is no folder of trimaps.
    """
    if guides and not guides.is_dir():
        raise FileNotFoundError(
            f"{guides}: no such folder; INPUT is one, so this has to be one too"
        )
    found = _by_stem(folder, recursive)
    if not found:
        raise ValueError(f"{folder}: no picture in this folder")
    matching = _by_stem(guides, recursive) if guides else {}
    jobs, problems = [], {}
    for stem, paths in found.items():
        image, *more = paths
        if more:
            names = " and ".join(path.name for path in more)
            problems[image] = f"{image}: the name of {names} too; rename all but one"
        elif guides and len(matching.get(stem, [])) != 1:
            got = ", ".join(path.name for path in matching.get(stem, [])) or "nothing"
            problems[image] = f"{image}: one {stem}.* wanted in {guides}, got {got}"
        else:
            jobs.append(Job(image, matching[stem][0] if guides else None, stem))
    return jobs, problems


def run_jobs(
    jobs: Iterable[Job],
    problems: dict[Path, str],
    output: Path,
    work: Callable[[Job], bool],
    quiet: bool,
) -> Tally:
    """Does one job after the other; what fails does not stop the rest.

    Args:
        jobs: As `find_jobs` gives them.
        problems: What has failed before it began, by picture.
        output: The folder for the list of failures, which is there only if there are
            any.
        work: Does a job; tells whether there was something to do.
        quiet: Whether no bar is shown.

    Returns:
        What became of them.
    """
    jobs, failures = list(jobs), dict(problems)
    done = skipped = 0
    with tqdm(jobs, unit="picture", disable=quiet or None, file=sys.stderr) as bar:
        for job in bar:
            try:
                if work(job):
                    done += 1
                else:
                    skipped += 1
            except (OSError, ValueError, RuntimeError, MemoryError) as error:
                failures[job.image] = " ".join(str(error).split()) or "out of memory"
    path = output / FAILURES
    if failures:
        lines = [
            json.dumps({"image": str(image), "error": error}, ensure_ascii=False)
            for image, error in sorted(failures.items())
        ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        path.unlink(missing_ok=True)
    return Tally(done, skipped, len(failures))


def _by_stem(folder: Path, recursive: bool) -> dict[Path, list[Path]]:
    """Lists the pictures of a folder by their place in it without ending, sorted."""
    found: dict[Path, list[Path]] = {}
    for path in sorted(folder.rglob("*") if recursive else folder.iterdir()):
        if path.suffix.lower() in images.EXTENSIONS and path.is_file():
            if not path.name.startswith("."):
                stem = path.relative_to(folder).with_suffix("")
                found.setdefault(stem, []).append(path)
    return found
