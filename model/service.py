"""Input workers: processes on other machines that make training samples.

They are those of the tf.data service. A dispatcher hands out which samples to make,
workers make them, and every process that trains takes what is ready. The graph of the
dataset travels to the workers, but Python functions do not: each worker has to know the
function that makes a sample by the same token, so it registers it before any other.
"""

import json
import threading
from functools import lru_cache
from pathlib import Path

import numpy as np
import tensorflow as tf

from model import __version__, dataset, stock, storage

TOKEN = "pyfunc_0"  # of the first Python function that a process registers
ENDLESS = 2**40  # pools or samples; the trainer takes as many as it wants
LOCK = threading.Lock()


def register() -> None:
    """Makes this process an input worker: TensorFlow finds `_make` by `TOKEN`.

    Raises:
        RuntimeError: If the process has registered another function before.
    """
    with tf.Graph().as_default():
        made = tf.numpy_function(
            _make, [tf.constant(b""), tf.constant(0, tf.int64)], [tf.uint8]
        )
        token = made[0].op.get_attr("token").decode()
    if token != TOKEN:
        raise RuntimeError(f"input worker: its function is {token}, not {TOKEN}")


def batches(
    address: str,
    job: str,
    *,
    data: Path | storage.Address,
    stored: bool,
    seed: int,
    first: int,
    batch_size: int,
    size: int,
    use_prior: bool,
    is_fine: bool = True,
    reuse: int,
    part_size: int,
) -> tf.data.Dataset:
    """Streams batches that input workers make, in the order in which they are ready.

    Each sample is made once (ShardingPolicy.DYNAMIC) for all trainers together; which
    samples meet in a batch depends on the workers. Where crops are used again, a
    worker takes on a whole pool of them, since the others do not have its crops.

    Args:
        address: HOST:PORT of the dispatcher.
        job: A name that the trainers of one run share and no other run has.
        data: The data directory, under the name that the workers see it by.
        stored: Whether to use the stored composites.
        seed: The run's seed.
        first: Number of the first batch.
        batch_size: Samples in a batch of all trainers.
        size: Side of a crop in pixels.
        use_prior: Whether to add the first guess.
        is_fine: Which first guess, see `prior.first_guess`.
        reuse: How often each crop is used.
        part_size: Samples in an element of the dataset.

    Returns:
        An endless dataset of batches as `dataset.batches` gives them.
    """
    wanted = {"seed": seed, "size": size, "reuse": reuse}
    wanted |= {"use_prior": use_prior, "is_fine": is_fine}
    recipe = {"version": __version__, "data": str(data), "stored": stored, **wanted}
    text = json.dumps(recipe).encode()
    samples = dataset.Samples(None, **wanted)
    span = dataset.POOL * reuse if reuse > 1 else 1  # samples that go together
    start = first * batch_size

    def indices(number: tf.Tensor) -> tf.data.Dataset:
        low = tf.maximum(number * span, tf.constant(start, tf.int64))
        return tf.data.Dataset.range(low, (number + 1) * span)

    def load(index: tf.Tensor) -> dict[str, tf.Tensor]:
        kinds = [tf.uint8] * len(samples.shapes)
        arrays = tf.raw_ops.PyFuncStateless(
            input=[tf.constant(text), index], token=TOKEN, Tout=kinds
        )
        return samples.name(arrays)

    made = tf.data.Dataset.range(start // span, ENDLESS).flat_map(indices)
    made = made.map(load, num_parallel_calls=tf.data.AUTOTUNE)
    made = made.batch(part_size, drop_remainder=True)
    distributed = tf.data.experimental.service.distribute(
        processing_mode=tf.data.experimental.service.ShardingPolicy.DYNAMIC,
        service=f"grpc://{address}",
        job_name=job,
    )
    return made.apply(distributed).map(dataset.to_float).prefetch(2)


def _make(recipe: bytes, index: int) -> list[np.ndarray]:
    """Makes a sample in an input worker."""
    with LOCK:
        samples = _samples(recipe)
    return samples.make(int(index))


@lru_cache(2)
def _samples(recipe: bytes) -> dataset.Samples:
    """Opens the data that a recipe names, once."""
    wanted = json.loads(recipe)
    if wanted.pop("version") != __version__:
        raise ValueError(
            f"input worker: has version {__version__} of the project and the trainer "
            "another; install the same on both"
        )
    kind = dataset.Composites if wanted.pop("stored") else stock.Layers
    source = kind(storage.locate(wanted.pop("data")), "train")
    return dataset.Samples(source, **wanted)
