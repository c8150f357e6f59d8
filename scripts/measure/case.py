"""One picture to measure methods on: what they are given and what is true."""

from typing import NamedTuple

import numpy as np


class Case(NamedTuple):
    """A picture with its trimap and the truth.

    Attributes:
        labels: What it is called, in the order of the table's columns: `trimap` and
            `photograph`, or `group` ("" if unknown) and `composite`.
        image: (H, W, 3) float32 RGB in [0, 1].
        trimap: (H, W) uint8.
        alpha: The true one, (H, W) float32 in [0, 1].
        foreground: The true one, (H, W, 3) float32 in [0, 1], or None if unknown.
    """

    labels: dict[str, str]
    image: np.ndarray
    trimap: np.ndarray
    alpha: np.ndarray
    foreground: np.ndarray | None

    @property
    def name(self) -> str:
        """All that it is called, such as `Trimap1 GT01`."""
        return " ".join(filter(None, self.labels.values()))
