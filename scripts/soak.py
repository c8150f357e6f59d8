"""Kills trainings at random moments and looks whether anything is lost.

    python scripts/soak.py scripts/data --kills 176 --whole 24

In comes a data directory; out goes a line a kill and a summary. Two kinds of process
are killed with SIGKILL, each forked from this one, which has imported TensorFlow and
not used it:

--whole   the whole train.py, with narrow networks, saving after every batch. After each
          kill every snapshot that eval.py may take must equal, bit by bit, that of an
          undisturbed run; it is resumed until it ends, and its end must equal too.
--kills   the same code that saves, restores and tells, with networks of one layer and
          no training between: a save is nearly all that it does, so nearly every kill
          hits one. What is restored must be what the batch number says.

Exit code 1 means that something was lost; the folder with it is left and named.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from model import checkpoint, engine
from scripts.help import DefaultsFormatter, add_verbosity
from scripts.measure import killed
from scripts.measure.killed import Lost


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=DefaultsFormatter
    )
    parser.add_argument("data", type=Path, help="directory made by scripts/combine.py")
    parser.add_argument("--kills", type=int, default=176, help="while saving")
    parser.add_argument("--whole", type=int, default=24, help="of the whole train.py")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--folder", type=Path, help="where to work (default: a temporary one)"
    )
    add_verbosity(parser, "tell where the killed processes write what they say")
    return parser.parse_args(arguments)


def check(options: argparse.Namespace) -> None:
    """Refuses what no run could begin with.

    Args:
        options: Of the command line.

    Raises:
        OSError: If data are not there, or the folder is a file or not empty.
        ValueError: If data are damaged, or a count is below 0.
    """
    from model import composites, stock

    for name in ("kills", "whole"):
        if getattr(options, name) < 0:
            raise ValueError(f"--{name}: got {getattr(options, name)}; give 0 or more")
    if not options.data.is_dir():
        raise FileNotFoundError(
            f"{options.data}: no such directory; run scripts/combine.py first"
        )
    composites.Composites(options.data, "train")
    stock.Layers(options.data, "train")
    if options.folder and options.folder.exists():
        if not options.folder.is_dir() or any(options.folder.iterdir()):
            raise FileExistsError(
                f"--folder: {options.folder} is not empty; give another"
            )


def read_weights(logdir: Path, step: int) -> dict[str, np.ndarray]:
    """Reads a snapshot's arrays by name, without TensorFlow."""
    import h5py

    found = {}

    def keep(name, node):
        if isinstance(node, h5py.Dataset):
            found[name] = node[()]

    try:
        with h5py.File(logdir / checkpoint.WEIGHTS.format(step=step)) as file:
            file.visititems(keep)
    except OSError as error:
        raise Lost(f"snapshot {step} cannot be read ({error})") from error
    return found


def check_snapshots(logdir: Path, undisturbed: Path) -> None:
    """Compares every snapshot of a killed run with that of the undisturbed one."""
    for step in checkpoint.snapshots(logdir):
        expected, found = read_weights(undisturbed, step), read_weights(logdir, step)
        if expected.keys() != found.keys() or not all(
            np.array_equal(expected[name], found[name]) for name in expected
        ):
            raise Lost(f"snapshot {step} is another than that of an undisturbed run")


def soak_whole(options: argparse.Namespace, folder: Path) -> dict[str, int]:
    """Kills the whole train.py again and again.

    Args:
        options: Of the command line.
        folder: To work in.

    Returns:
        Counts by name.

    Raises:
        Lost: If something was lost.
    """
    chance = random.Random(options.seed)
    undisturbed, log = folder / "undisturbed", folder / "log.txt"
    work = killed.fork(lambda: killed.train_whole(options.data, undisturbed, 1000), log)
    killed.wait(work, lambda: False)
    if killed.kill(work) != 0:
        raise Lost(f"an undisturbed run fails, see {log}")
    total, kills, ended, pace = sum(killed.PHASES), 0, 0, 1.0
    logdir, is_done = folder / "whole-0", False
    while kills < options.whole or not is_done:
        if is_done:
            logdir = folder / f"whole-{ended}"
        start, to_end = newest(logdir), kills >= options.whole
        work = killed.fork(
            lambda at=logdir: killed.train_whole(options.data, at, 2), log
        )
        goal = total if to_end else min(total, start + chance.choice((0, 1, 1, 2, 3)))
        seconds = killed.wait(work, lambda at=logdir, goal=goal: newest(at) >= goal)
        if goal > start:
            pace = (pace + seconds / (goal - start)) / 2
        if to_end:
            killed.wait(work, lambda: False)
        else:
            time.sleep(chance.uniform(0, 2 * pace))
        code = killed.kill(work)
        # killed after its last checkpoint, a run has nothing left to do, and says so
        is_done = code == 0 or (code == 2 and start == total)
        if not is_done and code != -signal.SIGKILL:
            raise Lost(f"train.py ended with {code}, see {log}")
        check_snapshots(logdir, undisturbed)
        kills, ended = kills + (not is_done), ended + is_done
        if not options.quiet:
            print(f"whole {kills}: after {newest(logdir)}", flush=True)
        if is_done and checkpoint.find_snapshot(logdir) != total:
            raise Lost("the end has no snapshot")
    return {"kills": kills, "runs that ended as an undisturbed one": ended}


def newest(logdir: Path) -> int:
    """Gives the batch of the newest training state, 0 without any."""
    return max(checkpoint.states(logdir), default=0)


def soak_saving(options: argparse.Namespace, folder: Path) -> dict[str, int]:
    """Kills the saving again and again.

    Args:
        options: Of the command line.
        folder: To work in.

    Returns:
        Counts by name.

    Raises:
        Lost: If something was lost.
    """
    chance = random.Random(options.seed)
    logdir, log = folder / "saving", folder / "log.txt"
    unfinished, pace = 0, 0.5
    for number in range(1, options.kills + 1):
        (logdir / killed.READY).unlink(missing_ok=True)
        work = killed.fork(lambda: killed.save_for_ever(logdir), log)
        killed.wait(work, (logdir / killed.READY).exists)
        start, saves = newest(logdir), chance.choice((0, 0, 1, 2))
        seconds = killed.wait(work, lambda goal=start + saves: newest(logdir) >= goal)
        if saves:
            pace = (pace + seconds / saves) / 2
        time.sleep(chance.uniform(0, 2 * pace))
        code = killed.kill(work)
        if code != -signal.SIGKILL:
            raise Lost(f"after kill {number - 1} it ended with {code}, see {log}")
        unfinished += any(logdir.glob(".part-*"))
        for step in checkpoint.snapshots(logdir):
            arrays = read_weights(logdir, step).values()
            if any(np.any(array != step) for array in arrays):
                raise Lost(f"after kill {number} snapshot {step} is another")
        if not options.quiet:
            print(f"saving {number}: killed after {newest(logdir)}", flush=True)
    return {"kills": options.kills, "in the middle of a file": unfinished}


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_args(arguments)
    if not hasattr(os, "fork"):
        print("soak.py: needs a system with fork()", file=sys.stderr)
        return 2
    try:
        check(options)
        folder = options.folder or Path(tempfile.mkdtemp(prefix="soak-"))
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        print(f"soak.py: {error}", file=sys.stderr)
        return 2
    engine.load_tensorflow()
    from model import dataset, gan, history, saving, training  # noqa: F401 (once)

    if options.verbose:
        print(f"{folder / 'log.txt'}: what the processes say", flush=True)
    told = []
    try:
        for name, soak in (("kills", soak_saving), ("whole", soak_whole)):
            counts = soak(options, folder) if getattr(options, name) else {"kills": 0}
            told.append(name + ": " + ", ".join(f"{n} {k}" for k, n in counts.items()))
    except Lost as error:
        print(f"soak.py: {error}; {folder} is left to look at", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"soak.py: interrupted; {folder} is left", file=sys.stderr)
        return 130
    finally:
        for number in list(killed.RUNNING):
            killed.kill(number)
    if not options.quiet:
        print("; ".join(told) + "; nothing was lost")
    if not options.folder:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
