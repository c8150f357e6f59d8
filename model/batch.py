"""Whole folders: which picture goes with which trimap, and a run over all of them."""

import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from model import images, interrupt, replacing

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
    folder: Path,
    guides: Path | None,
    recursive: bool,
    outputs: Iterable[Path] = (),
) -> tuple[list[Job], dict[Path, str]]:
    """Matches pictures with trimaps of the same name, whatever the endings.

    Args:
        folder: Of pictures.
        guides: Of trimaps, or of masks; None if there is nothing to match.
        recursive: Whether folders inside count too, but for those of trimaps and of
            results.
        outputs: The folders of results.

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
    others = [*outputs, *([guides] if guides else [])]
    found = _by_stem(folder, recursive, others)
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
            any. Those of earlier runs, of this folder or of others, stay on it until
            their turn comes.
        work: Does a job; tells whether there was something to do.
        quiet: Whether no bar is shown.

    Returns:
        What became of them.
    """
    jobs, failures = list(jobs), dict(problems)
    reached = {str(image) for image in problems}
    done = skipped = 0
    try:
        with tqdm(jobs, unit="picture", disable=quiet or None, file=sys.stderr) as bar:
            for job in bar:
                try:
                    if work(job):
                        done += 1
                    else:
                        skipped += 1
                except (OSError, ValueError, RuntimeError) as error:
                    failures[job.image] = " ".join(str(error).split())
                reached.add(str(job.image))
    finally:
        listed = {
            image: error
            for image, error in _read_failures(output / FAILURES).items()
            if image not in reached and Path(image).exists()
        }
        listed |= {str(image): error for image, error in failures.items()}
        with interrupt.held():
            _list_failures(output / FAILURES, listed)
    return Tally(done, skipped, len(failures))


def _read_failures(path: Path) -> dict[str, str]:
    """Reads the list of an earlier run: the error by picture; none if it is damaged."""
    try:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        return {row["image"]: row["error"] for row in rows}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _list_failures(path: Path, failures: dict[str, str]) -> None:
    """Writes what failed, or removes the list of an earlier run.

    Raises:
        OSError: If it cannot be written; then the earlier one stays.
    """
    if not failures:
        path.unlink(missing_ok=True)
        return
    rows = [{"image": image, "error": failures[image]} for image in sorted(failures)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    try:
        replacing.replace_file(path, text.encode())
    except OSError as error:
        raise OSError(f"{path}: cannot be written ({error.strerror})") from error


def _by_stem(
    folder: Path, recursive: bool, others: Iterable[Path] = ()
) -> dict[Path, list[Path]]:
    """Lists the pictures of a folder by their place in it without ending, sorted.

    Hidden ones and what lies in one of the `others` are left out.
    """

    def refuse(error: OSError) -> None:
        raise error

    closed = {other.resolve() for other in others} - {folder.resolve()}
    found: dict[Path, list[Path]] = {}
    for place, inner, names in os.walk(folder, onerror=refuse):
        inner[:] = sorted(
            name
            for name in (inner if recursive else [])
            if not name.startswith(".") and (Path(place) / name).resolve() not in closed
        )
        for path in sorted(Path(place) / name for name in names):
            if path.suffix.lower() in images.EXTENSIONS:
                if not path.name.startswith("."):
                    stem = path.relative_to(folder).with_suffix("")
                    found.setdefault(stem, []).append(path)
    return found
