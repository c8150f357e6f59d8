"""Which crops to learn from: those that are as hard as photographs are.

Random colours before random backgrounds are harder than photographs: the first guess
errs three times as much on them (log/README.md, 2026-11-26), and left alone, samples
that nobody could solve make most of the loss. So a sample weighs less the worse its
guess is. Of several candidates one is chosen by these weights and stands for all of
them, which gives the same expected gradient as all of them would (importance
resampling, Rubin 1988), for the network's time of one.
"""

import numpy as np

from model import matting

CANDIDATES = 3  # crops made for each one that is used
TYPICAL_ERROR = 0.05  # mean absolute error of the first guess on photographs
TRANSLUCENT_SHARE = 0.15  # of the crops: smoke and glass, without a choice
TRANSLUCENT = 0.2  # their weight
WOVEN_SHARE = 0.15  # of the crops: baskets and fringes, without a choice, too
WOVEN = 0.5  # the most that one of them weighs
WOVEN_ERROR = 0.1  # error of their guess at which they weigh half as much
ONE_SIDED = 0.1  # weight of a sample in which nothing is surely opaque, or clear


def ease(
    alpha: np.ndarray,
    guess: np.ndarray,
    trimap: np.ndarray,
    typical: float = TYPICAL_ERROR,
) -> float:
    """Weighs a sample by how good its first guess is: 1 / (1 + (e / e0)^2).

    Args:
        alpha: (H, W) uint8, the truth.
        guess: (H, W) float32 in [0, 1].
        trimap: (H, W) uint8.
        typical: e0, an error of the guess; as on photographs by default.

    Returns:
        In (0, 1]; one half where the guess errs by e0, 1 where nothing is
        unknown. Smoke and glass may have no surely opaque pixel; a guess without one
        is one half, and how much it errs does not say how hard the sample is.
    """
    is_unknown = trimap == matting.UNKNOWN
    if not is_unknown.any():
        return 1.0
    if not {matting.FOREGROUND, matting.BACKGROUND} <= set(np.unique(trimap)):
        return ONE_SIDED
    error = np.abs(alpha[is_unknown] / np.float32(255) - guess[is_unknown]).mean()
    return float(1 / (1 + (error / typical) ** 2))


def weigh_woven(alpha: np.ndarray, guess: np.ndarray, trimap: np.ndarray) -> float:
    """Weighs a sample that is full of holes, whose guess may err more than others'.

    Args:
        alpha: (H, W) uint8, the truth.
        guess: (H, W) float32 in [0, 1].
        trimap: (H, W) uint8.

    Returns:
        In (0, `WOVEN`], as of `ease`.
    """
    return WOVEN * ease(alpha, guess, trimap, WOVEN_ERROR)


def choose(weights: list[float], random: np.random.Generator) -> tuple[int, float]:
    """Chooses one of several samples.

    Args:
        weights: Of the candidates, above 0.
        random: Source of the choice.

    Returns:
        Its place, the likelier the larger its weight, and the weight that it has for
        all of them: their mean.
    """
    total = sum(weights)
    place = random.choice(len(weights), p=[weight / total for weight in weights])
    return int(place), total / len(weights)
