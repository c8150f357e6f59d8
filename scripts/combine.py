"""Composites cut-outs with photographs into training data.

    python scripts/combine.py --foregrounds CUTOUTS --backgrounds PHOTOGRAPHS

In: a folder of RGBA cut-outs and one of photographs; file names listed in a
`rejects.txt` of either folder are left out, and composites that an earlier run made of
such cut-outs are deleted. Out, all 8-bit PNG of one size:
OUTPUT/{train,val}/{image,trimap,alpha,foreground}/NAME.png, or with --format tfrecord
the same in OUTPUT/{train,val}/CUTOUT.tfrecord; a manifest with one row per composite,
and layers.json, the list of usable layers. No foreground and no background is on both
sides of the split. A run that was stopped goes on where it was; the result is the
same for any number of workers and of shards, and from scripts/combine_beam.py.
"""

import argparse
import contextlib
import functools
import json
import os
import signal
import sys
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from model import lock
from scripts.composites import manifest, plan, storage, workers
from scripts.composites.sample import Canvas, Sample
from scripts.help import DefaultsFormatter

complain = plan.complain_as("combine.py")


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description="Composite cut-outs with photographs.",
        formatter_class=DefaultsFormatter,
    )
    plan.add_options(parser, storage_default="png")
    add = parser.add_argument
    # work
    add("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    add("--shard-index", type=int, default=0, help="part of the work to do, from 0")
    add("--num-shards", type=int, default=1, help="parts the work is divided into")
    return parser.parse_args()


def check_shards(shard_index: int, num_shards: int) -> None:
    """Refuses a part of the work that there is not."""
    if num_shards < 1:
        raise ValueError(f"--num-shards: got {num_shards}; give 1 or more")
    if not 0 <= shard_index < num_shards:
        raise ValueError(
            f"--shard-index: got {shard_index}; "
            f"give 0 to {num_shards - 1} with --num-shards {num_shards}"
        )


def do_tasks(
    tasks: list[list[Sample]],
    canvas: Canvas,
    storage_format: str,
    path: Path,
    executor: Executor,
    options: argparse.Namespace,
) -> int:
    """Does the tasks not done yet and keeps the manifest; returns the faults.

    Args:
        tasks: Those of this shard.
        canvas: What all samples have in common.
        storage_format: One of `storage.FORMATS`.
        path: The manifest.
        executor: Does the work.
        options: Of the command line: what is told.

    Returns:
        How many samples could not be made.
    """
    rows, missing = plan.keep_rows(tasks, canvas)
    manifest.write_rows(path, rows.values())
    manifest.take_over(path, {sample.name for task in tasks for sample in task})
    do = functools.partial(storage.do_task, canvas=canvas, storage=storage_format)
    count = 0
    try:
        with open(path, "a", encoding="utf-8") as journal:
            for made, faults in workers.run_all(
                executor, do, missing, "combining", options.quiet
            ):
                count += len(faults)
                for fault in faults:
                    complain(fault)
                for row in made:
                    rows[row["name"]] = row
                    journal.write(json.dumps(row) + "\n")
                    if options.verbose:
                        complain(f"{row['name']}: made")
                journal.flush()
    finally:
        manifest.write_rows(path, rows.values())
    return count


def shut_down(executor: Executor) -> None:
    """Ends the workers; one more Ctrl-C meanwhile would let this wait for ever."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        executor.shutdown(cancel_futures=True)
    finally:
        signal.signal(signal.SIGINT, before)


def main() -> int:
    """Checks everything, then makes the composites of this shard."""
    options = parse_args()
    started = False
    with contextlib.ExitStack() as stack:
        try:
            check_shards(options.shard_index, options.num_shards)
            plan.check_options(options)
            name = manifest.name_manifest(options.shard_index, options.num_shards)
            path = options.output.resolve() / name
            # each shard has a manifest, and so a lock, of its own
            stack.enter_context(lock.hold(options.output / name))
            executor = workers.start_workers(options.workers)
            stack.callback(shut_down, executor)
            work = plan.make_plan(options, executor, complain)
            started = True
            plan.begin(work, complain)
            tasks = work.tasks[options.shard_index :: options.num_shards]
            faults = work.faults
            faults += do_tasks(
                tasks, work.canvas, options.format, path, executor, options
            )
        except KeyboardInterrupt:
            complain("interrupted; run the same command again to go on")
            return 130
        except (OSError, ValueError, BrokenProcessPool) as error:
            complain(str(error))
            return 1 if started else 2
    if not options.quiet:
        print(path)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
