"""How long each method takes for pictures of growing size."""

import resource
import statistics
import sys
import time
from collections.abc import Iterator

import cv2
import numpy as np

from scripts.measure.case import Case
from scripts.measure.methods import Method

MEGAPIXELS = (0.1, 0.4, 1.5, 6, 24)
REPEATS = {0.1: 5, 0.4: 5, 1.5: 3}  # of which the median counts; 1 of larger ones
HEADS = ("megapixels", "method", "seconds", "a megapixel", "time ratio", "peak GiB")


def measure_speed(
    case: Case, methods: dict[str, Method], is_quiet: bool = False
) -> Iterator[dict]:
    """Times every method on one picture at several sizes, alpha only.

    Args:
        case: The picture.
        methods: By name, warmed up.
        is_quiet: Whether no progress is told.

    Yields:
        Rows: `megapixels`, `method`, `seconds` (the median), `ratio` to closed-form or
        None, and `peak`, the most memory that the process has held so far, in GiB.
    """
    for megapixels in MEGAPIXELS:
        image, trimap = resize(case, megapixels)
        reference = None
        for name, method in methods.items():
            if megapixels > method.largest:
                continue
            seconds = []
            for _ in range(REPEATS.get(megapixels, 1)):
                start = time.perf_counter()
                method.estimate(image, trimap)
                seconds.append(time.perf_counter() - start)
            median = statistics.median(seconds)
            if name == "closed-form":
                reference = median
            if not is_quiet:
                print(f"{megapixels} MP {name}: {median:.2f} s", file=sys.stderr)
            yield {
                "megapixels": megapixels,
                "method": name,
                "seconds": median,
                "ratio": median / reference if reference else None,
                "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
            }


def resize(case: Case, megapixels: float) -> tuple[np.ndarray, np.ndarray]:
    """Brings a picture and its trimap to a number of pixels.

    Args:
        case: The picture.
        megapixels: Millions of pixels.

    Returns:
        Image (H, W, 3) float32 in [0, 1] and trimap (H, W) uint8.
    """
    height, width = case.trimap.shape
    scale = (megapixels * 1e6 / (height * width)) ** 0.5
    size = round(width * scale), round(height * scale)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = np.clip(cv2.resize(case.image, size, interpolation=way), 0, 1)
    return image, cv2.resize(case.trimap, size, interpolation=cv2.INTER_NEAREST)


def lay_out(rows: list[dict]) -> list[list[str]]:
    """Lays rows of `measure_speed` out as cells, a heading first."""
    lines = [list(HEADS)]
    for row in rows:
        each = row["seconds"] / row["megapixels"]
        ratio = "-" if row["ratio"] is None else f"{row['ratio']:.3f}"
        lines.append(
            [
                f"{row['megapixels']:g}",
                row["method"],
                f"{row['seconds']:.2f}",
                f"{each:.2f}",
                ratio,
                f"{row['peak']:.2f}",
            ]
        )
    return lines
