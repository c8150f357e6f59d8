"""How composites are stored: four PNG files each, or a TFRecord file per foreground.

A task is a list of samples that are made and stored together: one sample as PNG, all
samples of a foreground as TFRecord. A task's result does not depend on who does it,
and a file has its final name only when it is complete, so that tasks may be done in
any order, again, or by two workers at once.
"""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path

from model import example, images, records
from scripts.composites.sample import FOLDERS, Canvas, Sample, make_sample

FORMATS = ("png", "tfrecord")


def list_tasks(samples: list[Sample], storage: str) -> list[list[Sample]]:
    """Divides samples into tasks.

    Args:
        samples: Those of one foreground together.
        storage: One of `FORMATS`.

    Returns:
        The tasks.
    """
    if storage == "png":
        return [[sample] for sample in samples]
    groups = itertools.groupby(
        samples, lambda sample: (sample.split, sample.foreground)
    )
    return [list(group) for _, group in groups]


def do_task(
    task: list[Sample], canvas: Canvas, storage: str
) -> tuple[list[dict], list[str]]:
    """Makes the samples of a task and stores them.

    Args:
        task: The samples.
        canvas: What all samples have in common.
        storage: One of `FORMATS`.

    Returns:
        Their rows of the manifest, and what is wrong with the samples that have none.
    """
    return (make_files if storage == "png" else make_records)(task, canvas)


def is_done(task: list[Sample], rows: dict[str, dict], canvas: Canvas) -> bool:
    """Tells whether the files of a task are there and look whole.

    Records have to have the sizes that their rows tell; PNG files, whose rows tell
    none, must not be empty.

    Args:
        task: The samples.
        rows: Rows of the manifest by name, at least those that there are of the task.
        canvas: What all samples have in common.

    Returns:
        True if nothing is left to do.
    """
    if any(sample.name not in rows for sample in task):
        return False
    rows = [rows[sample.name] for sample in task]
    if "records" not in rows[-1]:
        return all(
            has_content(sample.file(canvas.output, folder))
            for sample in task
            for folder in FOLDERS
        )
    path = canvas.output / rows[-1]["records"]
    end = max(row["offset"] + row["length"] for row in rows) + records.FRAME
    return path.is_file() and path.stat().st_size == end


def has_content(path: Path) -> bool:
    """Tells whether there is a file that is not empty."""
    return path.is_file() and path.stat().st_size > 0


def remove_leftovers(tasks: list[list[Sample]], output: Path) -> None:
    """Deletes what a killed run left half-written of some tasks."""
    files = {records_file(task, output) for task in tasks}
    for sample in itertools.chain.from_iterable(tasks):
        files.update(sample.file(output, folder) for folder in FOLDERS)
    for pattern in ("*/.*.part", "*/*/.*.part"):
        for path in output.glob(pattern):
            if path.with_name(path.name[1:].rsplit(".", 2)[0]) in files:
                path.unlink(missing_ok=True)


def remove_composites(output: Path, foreground: str) -> None:
    """Deletes the composites of a foreground from either split.

    Args:
        output: The data directory.
        foreground: File name.
    """
    stem = Path(foreground).stem
    numbered = re.compile(re.escape(stem) + r"--\d{3,}\.png")
    for split in ("train", "val"):
        (output / split / f"{stem}.tfrecord").unlink(missing_ok=True)
        for folder in reversed(FOLDERS):  # image first: without it none is read
            for path in (output / split / folder).glob("*.png"):
                if numbered.fullmatch(path.name):
                    path.unlink(missing_ok=True)


def remove_surplus(tasks: list[list[Sample]], output: Path) -> int:
    """Deletes composites of the tasks' foregrounds that none of them makes.

    Those of an earlier run that made more of each; TFRecord files are made anew
    anyway.

    Args:
        tasks: All of a run.
        output: The data directory.

    Returns:
        How many composites.
    """
    samples = list(itertools.chain.from_iterable(tasks))
    names = {sample.name for sample in samples}
    stems = {(sample.split, sample.foreground.stem) for sample in samples}
    surplus = set()
    for split, folder in itertools.product(("train", "val"), reversed(FOLDERS)):
        for path in (output / split / folder).glob("*--*.png"):
            stem, _, number = path.stem.rpartition("--")
            if number.isdecimal() and (split, stem) in stems and path.stem not in names:
                path.unlink(missing_ok=True)
                surplus.add((split, path.stem))
    return len(surplus)


def make_files(task: list[Sample], canvas: Canvas) -> tuple[list[dict], list[str]]:
    """Does a task of PNG files."""
    rows, faults = [], []
    for sample in task:
        arrays, row, fault = make_sample(sample, canvas)
        if fault:
            faults.append(fault)
            continue
        for folder, array in arrays.items():
            images.write_image(sample.file(canvas.output, folder), array)
        rows.append(row)
    return rows, faults


def make_records(task: list[Sample], canvas: Canvas) -> tuple[list[dict], list[str]]:
    """Does a task of one TFRecord file; a complete one that is there already stays."""
    path = records_file(task, canvas.output)
    rows, faults = [], []
    places = read_places(path, rows)
    if [row["name"] for row in rows] != [sample.name for sample in task]:
        rows.clear()
        places = records.write(path, encode_all(task, canvas, rows, faults))
    if not rows:
        path.unlink()
    name = path.relative_to(canvas.output).as_posix()
    for row, (offset, length) in zip(rows, places, strict=True):
        row |= {"records": name, "offset": offset, "length": length}
    return rows, faults


def records_file(task: list[Sample], output: Path) -> Path:
    """Names the TFRecord file of a task."""
    return output / task[0].split / f"{task[0].foreground.stem}.tfrecord"


def encode_all(
    task: list[Sample], canvas: Canvas, rows: list[dict], faults: list[str]
) -> Iterator[bytes]:
    """Makes the samples of a task and yields each as a `tf.train.Example`.

    Args:
        task: The samples.
        canvas: What all samples have in common.
        rows: Receives the rows of the samples yielded.
        faults: Receives what is wrong with the others.

    Yields:
        The serialised messages, as `model/example.py` describes them.
    """
    for sample in task:
        arrays, row, fault = make_sample(sample, canvas)
        if fault:
            faults.append(fault)
            continue
        rows.append(row)
        yield example.encode(
            {
                "name": sample.name.encode(),
                "split": sample.split.encode(),
                "seed": str(sample.seed).encode(),
                "height": canvas.height,
                "width": canvas.width,
                "row": json.dumps(row).encode(),
                **{name: example.encode_picture(arrays[name]) for name in FOLDERS},
            }
        )


def read_places(path: Path, rows: list[dict]) -> list[tuple[int, int]]:
    """Reads the rows in a file of records; of a damaged one those before the damage.

    Args:
        path: The file; may be missing.
        rows: Receives the rows.

    Returns:
        Offset and length of each, in bytes.
    """
    places = []
    try:
        for offset, payload in records.scan(path):
            rows.append(json.loads(example.decode(payload)["row"]))
            places.append((offset, len(payload)))
    except (FileNotFoundError, KeyError, ValueError):
        pass
    return places
