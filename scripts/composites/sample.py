"""One composite: from the files of its layers to arrays and a row of the manifest.

Every command that makes composites calls `make_sample`; its result depends on the
layers and the seed of the sample alone, never on who makes it, where or when.
"""

import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from model import images, layers, placement

FOLDERS = ("trimap", "alpha", "foreground", "image")  # in writing order: image ends it


class Sample(NamedTuple):
    """One composite to make: its layers, its place and its random seed."""

    name: str
    split: str
    foreground: Path
    background: Path
    seed: int

    def file(self, output: Path, folder: str) -> Path:
        """Names one of its four files."""
        return output / self.split / folder / f"{self.name}.png"


class Canvas(NamedTuple):
    """What all composites of a data directory have in common.

    Attributes:
        output: The data directory.
        height: In pixels.
        width: In pixels.
        erosion: Smallest and largest trimap radius, as fractions of the longer side.
        gamma: Of the light that is added up, see `matting.composite`.
    """

    output: Path
    height: int
    width: int
    erosion: tuple[float, float]
    gamma: float


def list_samples(
    splits: dict[str, dict[str, list[Path]]], per_foreground: int, seed: int
) -> list[Sample]:
    """Pairs each foreground with backgrounds of its split, none twice if avoidable.

    Args:
        splits: As `layers.split_layers` gives them.
        per_foreground: Composites of each foreground.
        seed: Of every random choice.

    Returns:
        The samples, those of one foreground together.
    """
    samples = []
    for split, kinds in splits.items():
        backgrounds = kinds["backgrounds"]
        for path in kinds["foregrounds"]:
            rng = np.random.default_rng(layers.stable_hash(seed, path.name))
            order = rng.permutation(len(backgrounds))
            for index in range(per_foreground):
                name = f"{path.stem}--{index:03}"
                background = backgrounds[order[index % len(order)]]
                sample_seed = layers.stable_hash(seed, path.name, index)
                samples.append(Sample(name, split, path, background, sample_seed))
    return samples


def make_sample(
    sample: Sample, canvas: Canvas
) -> tuple[dict[str, np.ndarray], dict, str]:
    """Makes one composite from the files of its layers.

    Args:
        sample: Which.
        canvas: What it has in common with the others.

    Returns:
        Its uint8 arrays by folder, its row of the manifest and "", or two empty
        dicts and what is wrong.
    """
    try:
        foreground, alpha = read_foreground(sample.foreground)
        background = images.read_image(sample.background)
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(sample.seed)))
        arrays, placed = placement.compose_sample(
            foreground,
            alpha,
            background,
            rng,
            canvas.height,
            canvas.width,
            canvas.erosion,
            canvas.gamma,
        )
    except ValueError as error:
        return {}, {}, f"{sample.name}: {error}"
    row = sample._asdict()
    for kind in ("foreground", "background"):
        row[kind] = layers.relative(row[kind], canvas.output)
    row |= {"height": canvas.height, "width": canvas.width, **placed}
    return {folder: arrays[folder] for folder in FOLDERS}, row, ""


@functools.lru_cache(maxsize=1)
def read_foreground(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Reads a cut-out and takes off its empty margins but for one pixel.

    Args:
        path: The file.

    Returns:
        Foreground (H, W, 3) and alpha (H, W), float32 in [0, 1].
    """
    foreground, alpha = images.read_cutout(path)
    box = []
    for axis in (1, 0):
        visible = np.flatnonzero(alpha.any(axis))
        box.append(slice(max(visible[0] - 1, 0), visible[-1] + 2))
    return foreground[tuple(box)], alpha[tuple(box)]
