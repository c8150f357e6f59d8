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
import runpy
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from model import checkpoint, engine  # noqa: E402
from scripts.help import DefaultsFormatter, add_verbosity  # noqa: E402

PHASES = (6, 3, 5)  # batches of a whole training
SIDE = 200  # of the one layer's matrix
PATIENCE = 900  # seconds without a checkpoint, after which a process counts as stuck
RUNNING: set[int] = set()  # processes that are to be killed whatever happens
READY = "ready"  # a file that says that a process has restored and found all right


class Lost(Exception):
    """What was found to be lost."""


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


def fork(work: Callable[[], int], log: Path) -> int:
    """Starts a process that does some work, and says nothing here.

    Args:
        work: Gives its exit code.
        log: Where what it says goes.

    Returns:
        Its number.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    number = os.fork()
    if number:
        RUNNING.add(number)
        return number
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that forked
    with log.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    code = 70
    try:
        code = work()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def wait(number: int, is_reached: Callable[[], bool]) -> float:
    """Waits until a process has got somewhere, or has ended.

    Args:
        number: Of the process.
        is_reached: Says whether it has.

    Returns:
        The seconds that it took.

    Raises:
        Lost: If it got nowhere.
    """
    begun = time.monotonic()
    while not is_reached():
        if os.waitid(os.P_PID, number, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
        if time.monotonic() - begun > PATIENCE:
            kill(number)
            raise Lost(f"nothing new for {PATIENCE} seconds")
        time.sleep(0.002)
    return time.monotonic() - begun


def kill(number: int) -> int:
    """Kills a process; gives its exit code, -SIGKILL unless it had ended before."""
    RUNNING.discard(number)
    os.kill(number, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


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


def train_whole(data: Path, logdir: Path, keep: int) -> int:
    """Runs train.py, from the newest checkpoint if there is one."""
    from model import composites

    epoch = max(1, len(composites.Composites(data, "train").names) // 2)
    shares = [str((length - 0.5) / epoch) for length in PHASES]  # rounded up to it
    line = [str(data), "--logdir", str(logdir), "--widths", *"88888"]
    line += ["--crop", "64", "--batch_size", "2", "--save-every", "1"]
    line += ["--validate-every", "4", "--validation-images", "1", "--average", "0.5"]
    line += ["--gen_epoch", shares[0], "--disc_epoch", shares[1]]
    line += ["--adv_epoch", shares[2], "--keep", str(keep)]
    if checkpoint.states(logdir):
        line += ["--checkpoint", "-1"]
    return runpy.run_path(str(ROOT / "train.py"))["main"](line)


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
    work = fork(lambda: train_whole(options.data, undisturbed, 1000), log)
    wait(work, lambda: False)
    if kill(work) != 0:
        raise Lost(f"an undisturbed run fails, see {log}")
    total, kills, ended, pace = sum(PHASES), 0, 0, 1.0
    logdir, is_done = folder / "whole-0", False
    while kills < options.whole or not is_done:
        if is_done:
            logdir = folder / f"whole-{ended}"
        start, to_end = newest(logdir), kills >= options.whole
        work = fork(lambda at=logdir: train_whole(options.data, at, 2), log)
        goal = total if to_end else min(total, start + chance.choice((0, 1, 1, 2, 3)))
        seconds = wait(work, lambda at=logdir, goal=goal: newest(at) >= goal)
        if goal > start:
            pace = (pace + seconds / (goal - start)) / 2
        if to_end:
            wait(work, lambda: False)
        else:
            time.sleep(chance.uniform(0, 2 * pace))
        code = kill(work)
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


def save_for_ever(logdir: Path) -> int:
    """Restores, compares with what the batch number says, and saves on and on."""
    import keras

    from model import gan, history, saving

    def network() -> keras.Model:
        inputs = keras.Input((SIDE,))
        return keras.Model(inputs, keras.layers.Dense(SIDE)(inputs))

    pair = gan.MattingGAN(
        generator=network(),
        discriminator=network(),
        generator_optimizer=keras.optimizers.Adam(use_ema=True),
        discriminator_optimizer=keras.optimizers.Adam(),
        d_coeff=0.0,
    )
    parts = (pair.generator, pair.discriminator)
    parts += (pair.generator_optimizer, pair.discriminator_optimizer)
    variables = [variable for part in parts for variable in part.variables]
    logdir.mkdir(exist_ok=True)
    checkpoints = saving.Checkpoints(logdir, pair, keep=2)
    first = 0
    if checkpoint.states(logdir):
        first, fault = saving.find_whole(logdir)
        checkpoints.restore(first)
        if fault or any(np.any(np.asarray(each) != first) for each in variables):
            print(f"state {first}: {fault or 'not what was saved'}")
            return 1
    diary = history.History(logdir, first)
    with diary.path.open() as file:
        if len(file.readlines()) != 1 + first:
            print(f"state {first}: rows are missing in {diary.path}")
            return 1
    checkpoints.mark_best(diary.best)
    if first and checkpoint.find_snapshot(logdir, checkpoint.BEST) != diary.best[0]:
        print(f"state {first}: the best one is not marked")
        return 1
    (logdir / READY).touch()
    step = first
    while True:
        step += 1
        for each in variables:
            each.assign(np.full(each.shape, step, each.dtype))
        val_sad = 1 + abs(step % 40 - 20) / step  # better now and then
        diary.write_validation(step, [{"weights": "raw", "name": "a", "sad": val_sad}])
        diary.write(step, "generator", {"val_sad": val_sad})
        is_best = diary.best[0] == step
        checkpoints.save(step, diary.best[1] if is_best else None)


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
        (logdir / READY).unlink(missing_ok=True)
        work = fork(lambda: save_for_ever(logdir), log)
        wait(work, (logdir / READY).exists)
        start, saves = newest(logdir), chance.choice((0, 0, 1, 2))
        seconds = wait(work, lambda goal=start + saves: newest(logdir) >= goal)
        if saves:
            pace = (pace + seconds / saves) / 2
        time.sleep(chance.uniform(0, 2 * pace))
        code = kill(work)
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
    if not options.data.is_dir():
        print(
            f"soak.py: {options.data}: no such directory; run scripts/combine.py first",
            file=sys.stderr,
        )
        return 2
    engine.load_tensorflow()
    from model import dataset, gan, history, saving, training  # noqa: F401 (once)

    folder = options.folder or Path(tempfile.mkdtemp(prefix="soak-"))
    folder.mkdir(parents=True, exist_ok=True)
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
        print("soak.py: interrupted", file=sys.stderr)
        return 130
    finally:
        for number in list(RUNNING):
            kill(number)
    if not options.quiet:
        print("; ".join(told) + "; nothing was lost")
    if not options.folder:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
