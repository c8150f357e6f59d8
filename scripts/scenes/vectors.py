"""Directions and smooth random fields in space; arrays in, arrays out.

Lengths are in head units: 1 is 10 cm at a life-size head. z points up, -y to the front.
"""

from collections.abc import Callable

import numpy as np

UP = np.array([0.0, 0.0, 1.0])


def normalise(vectors: np.ndarray) -> np.ndarray:
    """Scales (..., 3) vectors to length 1; a zero vector stays zero.

    >>> normalise(np.array([[3.0, 0.0, 4.0], [0.0, 0.0, 0.0]]))
    array([[0.6, 0. , 0.8],
           [0. , 0. , 0. ]])
    """
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(length, 1e-9)


def noise_field(random: np.random.Generator, frequency: float) -> Callable:
    """Builds a smooth random vector field: a sum of plane waves.

    Args:
        random: Draws the waves.
        frequency: Typical number of waves per unit length.

    Returns:
        Function from (N, 3) points to (N, 3) vectors with parts of about unit size,
        at most 4.
    """
    waves = random.normal(size=(3, 8, 3)) * frequency * 2.5
    phases = random.uniform(0, 2 * np.pi, size=(3, 8))

    def field(points: np.ndarray) -> np.ndarray:
        rows = zip(waves, phases, strict=True)
        parts = [np.sin(points @ wave.T + phase).sum(axis=1) for wave, phase in rows]
        return np.stack(parts, axis=1) / 2

    return field
