"""The cut-outs and backgrounds of a split: decoded when first needed, then composited.

A data directory goes in, as `scripts/combine.py` leaves it; crops come out, a new
composite each, by their numbers. `composites.py` gives stored ones in the same way.
"""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from model import compose, cutout, images, layers, rgba

LAYER_CACHE = 768  # decoded layers of each kind kept in memory
TRANSLUCENT = "translucent"  # name of smoke, glass and veils among the groups of layers
BASKET = "basket"  # name of vessels of mesh there
OWN_SHARE = 0.5  # of translucent cut-outs: of that group, where there are any
BASKET_SHARE = 0.4  # of woven crops: of that group, where there are any
LONGEST_SIDE = 1440  # of a layer in memory, in pixels; larger ones are reduced


class Layers:
    """The cut-outs and backgrounds of one split, decoded when first needed."""

    def __init__(self, directory: Path, split: str):
        """Reads the list of layers.

        Args:
            directory: A data directory.
            split: `train` or `val`.

        Raises:
            FileNotFoundError: If there is no list, or a layer is gone.
            ValueError: If it is damaged or the split has no layers.
        """
        self.foregrounds, self.backgrounds = layers.read_layers(directory, split)
        groups = layers.read_groups(directory)
        named = {directory / path: group for path, group in groups.items()}
        self.translucent, self.baskets = (
            [path for path in self.foregrounds if named.get(path) == group]
            for group in (TRANSLUCENT, BASKET)
        )
        for path in self.foregrounds + self.backgrounds:
            if not path.is_file():
                raise FileNotFoundError(
                    f"{path}: no such file, but {directory}/layers.json names it; "
                    "put it back or run scripts/combine.py again"
                )
        self.cutout = lru_cache(LAYER_CACHE)(_read_cutout)
        self.background = lru_cache(LAYER_CACHE)(_read_background)

    def crop(self, seed: int, index: int, size: int) -> dict[str, np.ndarray]:
        """Composites sample number `index`.

        Args:
            seed: The run's seed.
            index: Number of the sample, 0 or more.
            size: Side of the crop in pixels.

        Returns:
            As `compose.compose_crop` gives it.
        """
        random = np.random.default_rng([seed, index])
        upper = self.cutout(_pick(self.foregrounds, random))
        lower = None
        if random.random() < compose.PAIR_PROBABILITY:
            lower = self.cutout(_pick(self.foregrounds, random))
        background = self.background(_pick(self.backgrounds, random))
        texture = None
        if random.random() < compose.TEXTURE_PROBABILITY:
            texture = self.background(_pick(self.backgrounds, random))
        return compose.compose_crop(upper, lower, background, size, random, texture)

    def crop_translucent(
        self, seed: int, index: int, size: int
    ) -> dict[str, np.ndarray]:
        """Composites sample number `index` of something like smoke or glass.

        Args:
            seed: The run's seed.
            index: Number of the sample, 0 or more.
            size: Side of the crop in pixels.

        Returns:
            As `compose.compose_crop` gives it.
        """
        random = np.random.default_rng([seed, index])
        is_own = bool(self.translucent) and random.random() < OWN_SHARE
        upper = _pick(self.translucent if is_own else self.foregrounds, random)
        background, texture = self._pick_backgrounds(random)
        return compose.compose_translucent(
            self.cutout(upper), background, size, random, texture
        )

    def crop_woven(self, seed: int, index: int, size: int) -> dict[str, np.ndarray]:
        """Composites sample number `index` of something full of holes.

        Args:
            seed: The run's seed.
            index: Number of the sample, 0 or more.
            size: Side of the crop in pixels.

        Returns:
            As `compose.compose_crop` gives it.
        """
        random = np.random.default_rng([seed, index])
        if self.baskets and random.random() < BASKET_SHARE:
            upper = self.cutout(_pick(self.baskets, random))
            background = self.background(_pick(self.backgrounds, random))
            return compose.compose_crop(upper, None, background, size, random)
        inside = [_pick(self.foregrounds, random) for _ in range(random.integers(4))]
        background, texture = self._pick_backgrounds(random)
        return compose.compose_woven(
            [self.cutout(path) for path in inside], background, size, random, texture
        )

    def _pick_backgrounds(self, random: np.random.Generator) -> list[np.ndarray]:
        """Picks two: one to be behind, one to give its colours."""
        return [self.background(_pick(self.backgrounds, random)) for _ in range(2)]


def _pick(paths: list[Path], random: np.random.Generator) -> Path:
    return paths[random.integers(len(paths))]


def _read_cutout(path: Path) -> cutout.Cutout:
    foreground, alpha = images.read_cutout(path)
    if max(alpha.shape) > LONGEST_SIDE:
        foreground, alpha = rgba.resize_cutout(foreground, alpha, *_reduced_size(alpha))
    return cutout.prepare(foreground, alpha)


def _read_background(path: Path) -> np.ndarray:
    background = images.read_image(path)
    if max(background.shape) > LONGEST_SIDE:
        size = _reduced_size(background)[::-1]
        background = cv2.resize(background, size, interpolation=cv2.INTER_AREA)
    return images.to_uint8(background)


def _reduced_size(picture: np.ndarray) -> tuple[int, int]:
    """Gives the height and width at which a picture's longer side fits."""
    height, width = picture.shape[:2]
    scale = LONGEST_SIDE / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))
