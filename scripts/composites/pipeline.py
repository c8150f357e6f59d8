"""The tasks of a plan as an Apache Beam pipeline.

A file with one task a line goes in, a file with one result a line comes out, both
in a folder that all workers see, as they see the layers and the data directory. What
happens between is `storage.do_task`, as in the plain command; no picture passes
through the pipeline.
"""

import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import apache_beam as beam
import cv2
from apache_beam.options.pipeline_options import PipelineOptions

from scripts.composites import storage
from scripts.composites.sample import Canvas, Sample


class DoTask(beam.DoFn):
    """Does one task: a line of the input in, a line of the output out."""

    def __init__(self, canvas: Canvas, storage_format: str):
        """Keeps what all tasks have in common.

        Args:
            canvas: What all samples have in common.
            storage_format: One of `storage.FORMATS`.
        """
        self.canvas = canvas
        self.storage_format = storage_format

    def setup(self):
        cv2.setNumThreads(1)

    def process(self, line):
        task = read_task(line)
        try:
            rows, faults = storage.do_task(task, self.canvas, self.storage_format)
            yield json.dumps({"rows": rows, "faults": faults})
        except OSError as error:  # which Beam would show as pages of tracebacks
            yield json.dumps({"rows": [], "faults": [], "error": str(error)})


def run(
    tasks: list[list[Sample]],
    canvas: Canvas,
    storage_format: str,
    beam_options: list[str],
) -> Iterator[tuple[list[dict], list[str]]]:
    """Does tasks wherever the runner does them.

    Args:
        tasks: The tasks.
        canvas: What all samples have in common.
        storage_format: One of `storage.FORMATS`.
        beam_options: Command line of Beam, such as `--runner=DirectRunner`.

    Yields:
        The results in any order, as `storage.do_task` returns them.

    Raises:
        OSError: At the end, if a task met one.
        RuntimeError: If the runner fails.
    """
    if not tasks:
        return
    folder = canvas.output / ".beam"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        write_tasks(folder / "tasks.jsonl", tasks)
        with beam.Pipeline(options=PipelineOptions(beam_options)) as pipeline:
            _ = (
                pipeline
                | "read tasks" >> beam.io.ReadFromText(str(folder / "tasks.jsonl"))
                | "spread" >> beam.Reshuffle()
                | "composite" >> beam.ParDo(DoTask(canvas, storage_format))
                | "write results"
                >> beam.io.WriteToText(str(folder / "results"), ".jsonl")
            )
        errors = []
        for path in sorted(folder.glob("results*.jsonl")):
            with open(path, encoding="utf-8") as lines:
                for result in map(json.loads, lines):
                    errors += [result["error"]] if "error" in result else []
                    yield result["rows"], result["faults"]
        if errors:
            raise OSError(min(errors))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_tasks(path: Path, tasks: Iterable[list[Sample]]) -> None:
    """Writes one task a line, as JSON."""
    with open(path, "w", encoding="utf-8") as file:
        for task in tasks:
            plain = [
                sample._replace(
                    foreground=str(sample.foreground), background=str(sample.background)
                )
                for sample in task
            ]
            file.write(json.dumps(plain) + "\n")


def read_task(line: str) -> list[Sample]:
    """Reads a task from its line."""
    return [
        Sample(name, split, Path(foreground), Path(background), seed)
        for name, split, foreground, background, seed in json.loads(line)
    ]
