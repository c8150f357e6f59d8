"""A folder of pictures to folders of their mattes.

`batch` finds the pictures and goes through them; here is what is done with each.
"""

from pathlib import Path

from model import batch, places
from model.cutting import Cutter, Options


def cut_folder(
    options: Options,
    folder: Path,
    guides: Path | None,
    results: places.Targets,
    ending: str = ".png",
    recursive: bool = False,
    overwrite: bool = False,
    quiet: bool = False,
) -> batch.Tally:
    """Mattes a folder; a picture that fails does not stop the rest.

    Args:
        options: How each picture is matted.
        folder: Of pictures.
        guides: Of their trimaps, masks or strokes; None if a box is given.
        results: The folders to write; that of outputs gets a list of failures too.
        ending: Of the outputs, with its dot.
        recursive: Whether folders inside count too.
        overwrite: Whether what is there is done again.
        quiet: Whether no bar is shown.

    Returns:
        How many pictures were done, skipped, and failed.

    Raises:
        OSError: If a folder is missing or not writable, or there is no network.
        RuntimeError: If what exports the network is not installed.
        ValueError: If a folder or an option is not what it should be, or a result
            would overwrite an input.
    """
    written = list(filter(None, results))
    places.check_folders([folder, *([guides] if guides else [])], written)
    jobs, problems = batch.find_jobs(folder, guides, recursive, written)
    places.check_ending(Path(f"OUTPUT/*{ending}"), options.composite is not None)
    check_apart(jobs, [*problems], results, ending)
    cutter = Cutter(options)

    def work(job: batch.Job) -> bool:
        targets = places.in_folders(results, job.stem, ending)
        places.make_folders(targets)
        if not overwrite and places.are_there(targets):
            return False
        cutter.cut(job.image, job.guide, targets)
        return True

    results.output.mkdir(parents=True, exist_ok=True)
    places.check_writable(results.output / batch.FAILURES, [])
    cutter.load()
    return batch.run_jobs(jobs, problems, results.output, work, quiet)


def check_apart(
    jobs: list[batch.Job], others: list[Path], results: places.Targets, ending: str
) -> None:
    """Refuses results that would overwrite a picture that is read, or another result.

    Args:
        jobs: The pictures, with their trimaps.
        others: Pictures that are read too.
        results: The folders to write.
        ending: Of the outputs, with its dot.

    Raises:
        ValueError: If there is one.
    """
    paths = [path for job in jobs for path in (job.image, job.guide) if path]
    paths += others
    read = {path.resolve() for path in paths} | {place_of(path) for path in paths}
    written: dict[Path, Path] = {}
    for job in jobs:
        for path in filter(None, places.in_folders(results, job.stem, ending)):
            other = written.setdefault(place_of(path), job.image)
            if other != job.image:
                raise ValueError(
                    f"{path}: the result of {other} and of {job.image}, too; give "
                    "another folder"
                )
            if place_of(path) in read:
                raise ValueError(
                    f"{path}: the result of {job.image} would overwrite an input; give "
                    "another folder"
                )


def place_of(path: Path) -> Path:
    """Resolves links but for the last: a file is replaced, not what it leads to."""
    return path.parent.resolve() / path.name
