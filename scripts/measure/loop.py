"""The training loop itself, run for some batches and clocked.

The options of train.py go in; out come the seconds that its own loop, networks and
input pipeline take, how long it waited for batches, and the convolutions of its step.
Nothing is saved or validated meanwhile. The layers are decoded before, as many as a
long run keeps in memory.
"""

import itertools
import os
import runpy
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from scripts.measure.clock import Clocked, plan_turns
from scripts.measure.convolutions import find_convolutions

TRAIN = Path(__file__).resolve().parents[2] / "train.py"
ALONE = 4  # batches over which the step is timed without input
BUILT = 2  # before these: the graph is built, memory is taken
QUIET = {"TF_CPP_MIN_LOG_LEVEL"}  # settings that change nothing but what is told


def measure_training(
    arguments: list[str], batches: int, warmup: int, is_plain: bool
) -> Iterator[dict]:
    """Trains for some batches; call it in a process that has not loaded TensorFlow.

    Args:
        arguments: Of train.py.
        batches: To measure.
        warmup: Before them, not measured.
        is_plain: Whether to leave out the environment settings of `engine.py`.

    Yields:
        Once: `fresh`, `again` (None without reuse) and `step`, the step alone on one
        batch, as `Span`; `reuse`, and `convolutions` of a step, counted.

    Raises:
        OSError: If something cannot be read.
        RuntimeError: If the training fails.
        ValueError: If something that is read is damaged.
    """
    # the default lock leaves a semaphore behind where a process ends by os._exit
    tqdm.set_lock(threading.RLock())
    load_tensorflow(is_plain)
    import tensorflow as tf

    from model import dataset, engine, training

    train = runpy.run_path(str(TRAIN))
    options = train["parse_args"](arguments)
    turns = plan_turns(batches, warmup, options.reuse)
    dataset.POOL = turns.length * options.batch_size
    with tempfile.TemporaryDirectory(prefix="profile-training-") as folder:
        options.logdir = Path(folder)
        try:
            run, stream = prepare(train, options)
            batch = next(iter(stream(1)))
            counts = find_convolutions(
                run.gan.compute.get_concrete_function(batch, "generator").graph,
                run.gan.generator.name,
            )
            alone = Clocked(itertools.repeat(batch, BUILT + ALONE))
            run.run(alone, 0, sys.maxsize)
            clocked = Clocked(stream(turns.total))
            run.run(clocked, 0, sys.maxsize)
        except (training.Stop, tf.errors.OpError) as error:
            raise RuntimeError(engine.explain(error)) from error
        run.history.close()
    yield {
        "fresh": clocked.span(turns.fresh, batches),
        "again": turns.again and clocked.span(turns.again, batches),
        "step": alone.span(BUILT, ALONE),
        "reuse": options.reuse,
        "convolutions": counts,
    }


def load_tensorflow(is_plain: bool) -> None:
    """Loads TensorFlow as train.py does, or without what makes it fast there."""
    from model import engine

    if is_plain:
        for name in set(engine.SETTINGS) - QUIET:
            os.environ.pop(name, None)
            del engine.SETTINGS[name]
    engine.load_tensorflow()


def prepare(train: dict, options) -> tuple[object, Callable[[int], Iterable]]:
    """Joins the parts of a run as train.py does, but for saving and validating.

    Args:
        train: What train.py defines, by name.
        options: As its `parse_args` gives them.

    Returns:
        The `training.Training`, and a function that streams so many batches.
    """
    import keras

    from model import cluster, history, plan, saving, stock, training, validation

    keras.config.set_dtype_policy(options.precision)
    keras.utils.set_random_seed(options.seed)
    workers = cluster.join(
        options.strategy, options.batch_size, options.jit, is_quiet=True
    )
    source = stock.Layers(options.data, "train")
    with workers.strategy.scope():
        gan = train["build_gan"](options)
    checkpoints = saving.Checkpoints(options.logdir, gan, options.keep)
    train["take_up"](options, checkpoints, {})
    diary = history.History(options.logdir, 0)
    diary.begin()
    run = training.Training(
        gan=gan,
        cluster=workers,
        batch_size=options.batch_size,
        plan=plan.Plan(sys.maxsize, 0, 0),
        highest_rate=options.lr,
        schedule=options.schedule,
        checkpoints=checkpoints,
        history=diary,
        validation=validation.Validation(gan, [], diary),
        save_every=sys.maxsize,
        validate_every=sys.maxsize,
        is_quiet=True,
    )
    decode_layers(source, options.seed, options.workers)

    def stream(batches: int) -> Iterable:
        return train["stream"](options, workers, source, 0, batches)

    return run, stream


def decode_layers(source, seed: int, threads: int) -> None:
    """Decodes as many layers as a long run keeps in memory.

    Args:
        source: A `stock.Layers`.
        seed: Of the choice, where there are more.
        threads: That decode at a time.
    """
    from model import stock

    random = np.random.default_rng(seed)
    with ThreadPoolExecutor(threads) as pool:
        for paths, read in (
            (source.foregrounds, source.cutout),
            (source.backgrounds, source.background),
        ):
            # one that is listed more often is drawn earlier, as it is in a run
            drawn = dict.fromkeys(
                paths[place] for place in random.permutation(len(paths))
            )
            for _ in pool.map(read, list(drawn)[: stock.LAYER_CACHE]):
                pass
