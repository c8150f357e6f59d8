"""Processes to be killed: how they are started and ended, and what they do.

They are forked from one that has imported TensorFlow and not used it.
"""

import os
import runpy
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np

from model import checkpoint

ROOT = Path(__file__).resolve().parents[2]
PHASES = (6, 3, 5)  # batches of a whole training
SIDE = 200  # of the one layer's matrix
PATIENCE = 900  # seconds without a checkpoint, after which a process counts as stuck
RUNNING: set[int] = set()  # processes that are to be killed whatever happens
READY = "ready"  # a file that says that a process has restored and found all right


class Lost(Exception):
    """What was found to be lost."""


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
    except BaseException:  # nothing else would tell of it
        traceback.print_exc()
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
        checkpoints.go_on_from(first)
        if fault or any(np.any(np.asarray(each) != first) for each in variables):
            print(f"state {first}: {fault or 'not what was saved'}")
            return 1
    diary = history.History(logdir, first)
    diary.begin()
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
