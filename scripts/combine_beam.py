"""Composites cut-outs with photographs into training data, by Apache Beam.

    python scripts/combine_beam.py --foregrounds CUTOUTS --backgrounds PHOTOGRAPHS

The same composites as scripts/combine.py makes, bit for bit, by any runner of Beam:
on this machine by default, on a cluster with Beam's own options at the end, such as
`-- --runner=FlinkRunner`. There all workers must have the project installed and see the
layers and the output under the same paths. Out come by default TFRecord files,
OUTPUT/{train,val}/CUTOUT.tfrecord, with the manifest, layers.json and options.json that
train.py reads. Such files that are complete already are not made again; with --format
png, a pipeline that was stopped makes all again that it had not listed at its end.
"""

import argparse
import logging
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from model import lock  # noqa: E402
from scripts.composites import manifest, plan, workers  # noqa: E402
from scripts.help import DefaultsFormatter  # noqa: E402

complain = plan.complain_as("combine_beam.py")


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description="Composite cut-outs with photographs by Apache Beam.",
        formatter_class=DefaultsFormatter,
    )
    plan.add_options(parser, storage_default="tfrecord")
    count = os.cpu_count() or 1
    parser.add_argument("--workers", type=int, default=count, help="local processes")
    parser.add_argument(
        "beam_options", nargs="*", help="Beam's own options, after --", metavar="BEAM"
    )
    return parser.parse_args()


def check_beam() -> None:
    """Raises ValueError if Apache Beam, which takes seconds to load, is not there."""
    try:
        import apache_beam  # noqa: F401
    except ImportError:
        raise ValueError(
            "Apache Beam is missing; install it with pip install -e '.[beam]'"
        ) from None


def local_options(workers: int) -> list[str]:
    """Gives the options of Beam that let a number of local processes work."""
    mode = "multi_processing" if workers > 1 else "in_memory"
    return [
        f"--direct_num_workers={workers}",
        f"--direct_running_mode={mode}",
        "--default_sdk_harness_log_level=ERROR",
    ]


def do_tasks(
    work: plan.Plan,
    storage_format: str,
    path: Path,
    beam_options: list[str],
    is_verbose: bool,
) -> int:
    """Does the tasks not done yet and writes the manifest; returns the faults."""
    from scripts.composites import pipeline

    rows, missing = plan.keep_rows(work.tasks, work.canvas)
    count = 0
    try:
        for made, faults in pipeline.run(
            missing, work.canvas, storage_format, beam_options
        ):
            count += len(faults)
            for fault in faults:
                complain(fault)
            for row in made:
                rows[row["name"]] = row
                if is_verbose:
                    complain(f"{row['name']}: made")
    finally:
        manifest.write_rows(path, rows.values())
        manifest.take_over(path, set(rows))
    return count


def main() -> int:
    """Checks everything, then has the composites made."""
    options = parse_args()
    started = False
    logging.getLogger().setLevel(logging.CRITICAL)  # Beam tells all that it does
    # Beam starts its local workers as new processes, which have to find the project.
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), before]))
    try:
        plan.check_options(options)
        check_beam()
        name = manifest.name_manifest(0, 1)
        path = options.output.resolve() / name
        with lock.hold(options.output / name):
            with workers.start_workers(options.workers) as executor:
                work = plan.make_plan(options, executor, complain)
            started = True
            plan.begin(work, complain)
            beam_options = local_options(options.workers) + options.beam_options
            faults = work.faults + do_tasks(
                work, options.format, path, beam_options, options.verbose
            )
    except (KeyboardInterrupt, OSError, ValueError, RuntimeError) as error:
        line = (str(error).strip() or type(error).__name__).splitlines()[-1]
        if "KeyboardInterrupt" in line:  # Beam makes a RuntimeError of it
            complain("interrupted; run the same command again to go on")
            return 130
        complain(line)
        return 1 if started else 2
    if not options.quiet:
        print(path)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
