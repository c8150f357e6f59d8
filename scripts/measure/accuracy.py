"""How far a file of fewer bits is from its checkpoint, on real pictures.

The pictures are the example photograph and composites of the starter set, made here as
scripts/combine.py makes them. Calibration sees other cut-outs over other backgrounds.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from model import guides, images, layers, matting, predict
from model.precision import Inputs
from scripts.composites.sample import Canvas, list_samples, make_sample
from scripts.measure.runtimes import alpha_of

ROOT = Path(__file__).resolve().parents[2]
HEIGHT, WIDTH = 480, 640  # of the composites
EROSION = (0.002, 0.03)  # trimap radii, as scripts/combine.py has them
COUNT = 9  # composites to measure on, and as many to calibrate by
MEAN = 1 / 255  # by which alpha may differ in the mean over any picture
LARGEST = 8 / 255  # by which it may differ in any pixel


class Example(NamedTuple):
    """What a network is given of a picture, and where the answer counts.

    Attributes:
        inputs: (1, h, w, C) by name.
        is_unknown: (h, w) bool: the unknown pixels, without the padding.
    """

    inputs: Inputs
    is_unknown: np.ndarray


class Accuracy(NamedTuple):
    """Differences of alpha over the unknown pixels of all pictures, in [0, 1].

    Attributes:
        mean: Of all pixels.
        worst: The mean of the picture that has the largest.
        largest: Of any pixel.
    """

    mean: float
    worst: float
    largest: float

    @property
    def is_good(self) -> bool:
        """Whether a file that differs so may be offered; not, where it is no number."""
        return self.worst <= MEAN and self.largest <= LARGEST


def list_examples(network) -> list[Example]:
    """Prepares the pictures to measure on.

    Args:
        network: Whose inputs they are to be.

    Returns:
        The example photograph and `COUNT` composites.
    """
    photograph = (
        images.read_image(ROOT / "images/example.jpg"),
        guides.read_trimap(ROOT / "images/example-trimap.png"),
    )
    pictures = [photograph, *_composites(0)]
    return [_prepare(network, image, trimap) for image, trimap in pictures]


def list_samples_to_calibrate(network) -> list[Inputs]:
    """Prepares `COUNT` composites that have no layer of those to measure on."""
    pairs = _composites(1)
    return [_prepare(network, image, trimap).inputs for image, trimap in pairs]


def measure_accuracy(
    network, examples: list[Example], expected: list[np.ndarray]
) -> Accuracy:
    """Compares a network with what the checkpoint says.

    Args:
        network: As `runtimes.LOADERS` give it.
        examples: What it is given.
        expected: The checkpoint's alpha of each, as `runtimes.alpha_of` gives it.

    Returns:
        The differences, alpha being clipped to [0, 1].
    """
    differences = []
    for example, alpha_true in zip(examples, expected, strict=True):
        alpha_pred = alpha_of(network, example.inputs)
        difference = np.abs(np.clip(alpha_pred, 0, 1) - np.clip(alpha_true, 0, 1))
        differences.append(difference[0, ..., 0][example.is_unknown])
    values = np.concatenate(differences)
    worst = np.max([difference.mean() for difference in differences])
    return Accuracy(float(values.mean()), float(worst), float(values.max()))


def _prepare(network, image: np.ndarray, trimap: np.ndarray) -> Example:
    """Makes the inputs of the window around the unknown pixels, as matting does."""
    window = predict.find_window(trimap)
    inputs = predict.prepare(network, image[window], trimap[window])
    is_unknown = inputs["trimap"][..., 0] == matting.UNKNOWN
    height, width = trimap[window].shape
    is_unknown[height:] = is_unknown[:, width:] = False
    return Example({name: values[None] for name, values in inputs.items()}, is_unknown)


def _composites(half: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Makes composites of one half of the starter set, spread over its cut-outs.

    Args:
        half: 0 or 1.

    Yields:
        Image (H, W, 3) float32 in [0, 1] and trimap (H, W) uint8.
    """
    starter = ROOT / "scripts/starter"
    cutouts = layers.list_layers(starter / "foregrounds")[half::2]
    backgrounds = layers.list_layers(starter / "backgrounds")[half::2]
    places = np.linspace(0, len(cutouts) - 1, COUNT).round().astype(int)
    chosen = [cutouts[place] for place in places]
    splits = {"val": {"foregrounds": chosen, "backgrounds": backgrounds}}
    canvas = Canvas(starter, HEIGHT, WIDTH, EROSION, matting.CAMERA_GAMMA)
    for sample in list_samples(splits, per_foreground=1, seed=0):
        arrays, _, fault = make_sample(sample, canvas)
        if fault:
            raise ValueError(fault)
        yield arrays["image"].astype(np.float32) / 255, arrays["trimap"]
