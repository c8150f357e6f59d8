"""A data directory, as `scripts/combine.py` leaves it, to batches of named tensors.

Every batch is a dict of
    image, foreground   (B, H, W, 3) float32 in [0, 1]
    alpha, prior        (B, H, W, 1) float32 in [0, 1]
    colours             (B, H/4, W/4, 6) float32 in [0, 1]
    samples             (B, H/2, W/2, 2) float32 in [0, 1], or
    coarse_samples      (B, H/4, W/4, 2) float32 in [0, 1]
    trimap              (B, H, W, 1) uint8
    weight              (B, 1, 1, 1) float32 in [0, 1], what a sample counts
with those of the first guess and `weight` only where it is wanted.
Sample number i depends on the seed and on i alone, so that a run resumes at any
batch by its number.
"""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import tensorflow as tf

from model import images, importance, prior
from model.composites import Composites
from model.stock import Layers

CHANNELS = {"image": 3, "trimap": 1, "alpha": 1, "foreground": 3}
POOL = 1024  # crops in memory that are used again
SPARE = 64  # of the next pool, made while those of the last batches are still needed
LANES = 64  # replicas whose number divides this never need each other's crops again
SYMMETRIES = 8  # of a square
GAIN = 0.1  # by which a colour channel of a crop used again changes at most


class Samples:
    """Makes training samples by their numbers, as arrays in a fixed order.

    Attributes:
        shapes: (H, W, C) of each part by name, in that order; all are uint8.
    """

    def __init__(
        self,
        source: Layers | Composites,
        *,
        seed: int,
        size: int,
        use_prior: bool,
        is_fine: bool = True,
        reuse: int,
    ):
        """Prepares to make them.

        Args:
            source: Where the crops come from.
            seed: The run's seed.
            size: Side of a crop in pixels.
            use_prior: Whether to add the first guess, as `prior.Guess.levels` gives
                it, and to choose each crop among some by it, with its `weight`.
            is_fine: Which first guess, see `prior.first_guess`.
            reuse: How often each crop is used, turned, mirrored and recoloured.
        """
        self.source, self.seed, self.size = source, seed, size
        self.use_prior, self.is_fine, self.reuse = use_prior, is_fine, reuse
        self.shapes = {part: (size, size, depth) for part, depth in CHANNELS.items()}
        if use_prior:
            for part in prior.parts(is_fine):
                side = size // prior.REDUCED[part]
                self.shapes[part] = (side, side, prior.DEPTHS[part])
            self.shapes["weight"] = (1, 1, 1)
        self._crop = lru_cache(POOL + SPARE if reuse > 1 else 0)(self._make_crop)

    def make(self, index: int) -> list[np.ndarray]:
        """Makes sample number `index`; several threads may at the same time.

        Args:
            index: 0 or more.

        Returns:
            Arrays as `shapes` says.
        """
        sample = self._crop(pool_index(self.seed, int(index), self.reuse))
        if self.reuse > 1:
            sample = vary(sample, np.random.default_rng([self.seed, index, 1]))
        return list(sample.values())

    def name(self, arrays: list[tf.Tensor]) -> dict[str, tf.Tensor]:
        """Gives what `make` made inside of a graph its names and shapes."""
        sample = dict(zip(self.shapes, arrays, strict=True))
        for part, array in sample.items():
            array.set_shape(self.shapes[part])
        return sample

    def _make_crop(self, index: int) -> dict[str, np.ndarray]:
        if self.use_prior:
            sample = crop_with_guess(
                self.source, self.seed, index, self.size, self.is_fine
            )
        else:
            sample = self.source.crop(self.seed, index, self.size)
        return {
            part: sample[part].reshape(shape) for part, shape in self.shapes.items()
        }


def batches(
    source: Layers | Composites,
    *,
    seed: int,
    first: int,
    steps: int,
    batch_size: int,
    size: int,
    workers: int,
    use_prior: bool,
    is_fine: bool = True,
    reuse: int = 1,
    places: Sequence[int] = (),
    parts: int = 1,
) -> tf.data.Dataset:
    """Streams training batches, made in parallel and always in the same order.

    Args:
        source: Where the crops come from.
        seed: The run's seed.
        first: Number of the first batch, so many batches having been seen.
        steps: Number of batches.
        batch_size: Samples in a batch.
        size: Side of a crop in pixels.
        workers: Crops made at the same time.
        use_prior: Whether to add the first guess, as `prior.Guess.levels` gives it, and
            to choose each crop among some by it (`importance`), with its `weight`.
        is_fine: Which first guess, see `prior.first_guess`.
        reuse: How often each crop is used, turned, mirrored and recoloured: the
            guess costs most of the time. Every `POOL` crops are used up before the
            next ones are made.
        places: Which samples of each batch to make; all if there are none.
        parts: In how many pieces each batch comes, one after the other.

    Returns:
        The dataset, as the module's docstring describes.
    """
    samples = Samples(
        source,
        seed=seed,
        size=size,
        use_prior=use_prior,
        is_fine=is_fine,
        reuse=reuse,
    )
    places = tf.constant(places or range(batch_size), tf.int64)

    def load(index: tf.Tensor) -> dict[str, tf.Tensor]:
        kinds = [tf.uint8] * len(samples.shapes)
        return samples.name(tf.numpy_function(samples.make, [index], kinds))

    indices = tf.data.Dataset.range(first, first + steps).flat_map(
        lambda step: tf.data.Dataset.from_tensor_slices(step * batch_size + places)
    )
    dataset = indices.map(load, num_parallel_calls=workers, deterministic=True)
    dataset = dataset.batch(len(places) // parts, drop_remainder=True)
    return dataset.map(to_float).prefetch(2)


def crop_with_guess(
    source: Layers | Composites, seed: int, index: int, size: int, is_fine: bool = True
) -> dict[str, np.ndarray]:
    """Makes a crop and its first guess: one of some candidates, by their weights.

    Some are of translucent things and some of things full of holes, as far as the
    source has layers to make them of.

    Args:
        source: Where the crops come from.
        seed: The run's seed.
        index: Number of the crop, 0 or more.
        size: Side of the crop in pixels.
        is_fine: Which first guess, see `prior.first_guess`.

    Returns:
        What `source.crop` gives, with what `prior.Guess.levels` does and `weight`,
        all uint8.
    """
    random = np.random.default_rng([seed, index, 2])
    first = index * importance.CANDIDATES
    kind = random.random() if isinstance(source, Layers) else 1.0
    if kind < importance.TRANSLUCENT_SHARE:
        sample = source.crop_translucent(seed, first, size)
        guess, weight = _guess(sample, is_fine), importance.TRANSLUCENT
    elif kind < importance.TRANSLUCENT_SHARE + importance.WOVEN_SHARE:
        sample = source.crop_woven(seed, first, size)
        guess = _guess(sample, is_fine)
        weight = importance.weigh_woven(sample["alpha"], guess.alpha, sample["trimap"])
    else:
        samples = [
            source.crop(seed, first + number, size)
            for number in range(importance.CANDIDATES)
        ]
        guesses = [_guess(sample, is_fine) for sample in samples]
        weights = [
            importance.ease(sample["alpha"], guess.alpha, sample["trimap"])
            for sample, guess in zip(samples, guesses, strict=True)
        ]
        place, weight = importance.choose(weights, random)
        sample, guess = samples[place], guesses[place]
    weight = images.to_uint8(np.float32(weight))
    return sample | guess.levels() | {"weight": weight}


def _guess(sample: dict[str, np.ndarray], is_fine: bool) -> prior.Guess:
    image = sample["image"].astype(np.float32) / 255
    # crops are made at the same time, so that no core is left for a second thread
    return prior.first_guess(image, sample["trimap"], is_fine, is_parallel=False)


def pool_index(seed: int, index: int, reuse: int) -> int:
    """Says which crop a sample shows, if each is used several times.

    Args:
        seed: The run's seed.
        index: Number of the sample, 0 or more.
        reuse: How often each crop is used.

    Returns:
        Number of the crop: those of a pool in their order, then in others.
    """
    pool, place = divmod(index, POOL * reuse)
    turn, place = divmod(place, POOL)
    if turn:
        place = _shuffled(seed, pool, turn)[place]
    return pool * POOL + int(place)


@lru_cache(8)
def _shuffled(seed: int, pool: int, turn: int) -> np.ndarray:
    """Orders the crops of a pool, each staying in its lane."""
    lanes = np.arange(POOL).reshape(-1, math.gcd(POOL, LANES))
    return np.random.default_rng([seed, pool, turn]).permuted(lanes, axis=0).ravel()


def vary(
    sample: dict[str, np.ndarray], random: np.random.Generator
) -> dict[str, np.ndarray]:
    """Turns and mirrors a crop and changes the strength of its colours a little.

    Args:
        sample: (H, W, C) uint8 arrays by name, all square.
        random: Source of the choice.

    Returns:
        The same by name, new arrays.
    """
    turns, mirrored = divmod(int(random.integers(SYMMETRIES)), 2)
    gain = 1 + random.uniform(-GAIN, GAIN, 3)
    levels = np.arange(256)
    tables = [images.to_uint8(levels * (factor / 255)) for factor in gain]
    varied = {}
    for name, array in sample.items():
        array = np.rot90(array, turns)
        array = array[:, ::-1] if mirrored else array
        if name in ("image", "foreground", "colours"):
            planes = [
                tables[channel % 3][array[..., channel]]
                for channel in range(array.shape[2])
            ]
            array = np.stack(planes, axis=2)
        varied[name] = np.ascontiguousarray(array)
    return varied


def to_float(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Scales everything but the trimap's codes: [0, 255] -> [0, 1].

    Args:
        batch: uint8 tensors by name.

    Returns:
        float32 tensors by name, the trimap still uint8.
    """
    return {
        name: value if name == "trimap" else tf.cast(value, tf.float32) / 255
        for name, value in batch.items()
    }


def validation_pairs(
    composites: Composites, limit: int
) -> Iterator[dict[str, np.ndarray]]:
    """Reads a fixed choice of composites, spread over all foregrounds.

    Args:
        composites: The validation split.
        limit: The largest number of composites.

    Yields:
        As `Composites.read` gives them, each with its `name`.
    """
    for name in composites.spread(limit):
        yield {"name": name, **composites.read(name)}
