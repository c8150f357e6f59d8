"""Contact sheets of a benchmark: what each method made of a picture, at full size.

A case and the methods' results go in; one picture comes out: a column for the truth
and for each method; alpha, the composite on a plain colour, and the same two
enlarged where the last method is worst.
"""

import cv2
import numpy as np

from model import matting
from scripts.measure.case import Case

WINDOW = 96  # side of the region that is enlarged, pixels
GAP = 6  # pixels between the pictures
HEAD = 30  # height of the line with the names, pixels


def draw_sheet(
    case: Case, columns: dict[str, tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Draws the sheet of one case.

    Args:
        case: The picture, its trimap and the truth.
        columns: Alpha (H, W) and composite (H, W, 3) of each method, float in [0, 1].

    Returns:
        (h, w, 3) float32 in [0, 1].
    """
    last, _ = list(columns.values())[-1]
    window = find_worst(case, last)
    pictures = {"truth; photograph": (case.alpha, case.image), **columns}
    strips = []
    for name, (alpha, composite) in pictures.items():
        parts = [np.repeat(alpha[..., None], 3, axis=2), composite]
        marked = [mark(part.astype(np.float32), window) for part in parts]
        width = case.alpha.shape[1]
        enlarged = [enlarge(part[window], width) for part in parts]
        strips.append(np.vstack([draw_head(name, width), *marked, *enlarged]))
        strips.append(np.ones((len(strips[0]), GAP, 3), np.float32))
    return np.hstack(strips[:-1])


def find_worst(case: Case, alpha: np.ndarray) -> tuple[slice, slice]:
    """Finds the window with the largest sum of errors in the unknown region.

    Args:
        case: Holds the truth.
        alpha: (H, W) float in [0, 1].

    Returns:
        Rows and columns of it.
    """
    error = np.abs(case.alpha - alpha) * (case.trimap == matting.UNKNOWN)
    height, width = (min(WINDOW, side) for side in alpha.shape)
    sums = cv2.boxFilter(
        error.astype(np.float32),
        -1,
        (width, height),
        normalize=False,
        borderType=cv2.BORDER_CONSTANT,
    )
    row, column = np.unravel_index(np.argmax(sums), sums.shape)
    top = int(np.clip(row - height // 2, 0, alpha.shape[0] - height))
    left = int(np.clip(column - width // 2, 0, alpha.shape[1] - width))
    return slice(top, top + height), slice(left, left + width)


def mark(picture: np.ndarray, window: tuple[slice, slice]) -> np.ndarray:
    """Draws a red frame around a window of a (H, W, 3) picture."""
    rows, columns = window
    corners = (columns.start, rows.start), (columns.stop - 1, rows.stop - 1)
    return cv2.rectangle(np.ascontiguousarray(picture), *corners, (1, 0, 0), 2)


def enlarge(picture: np.ndarray, width: int) -> np.ndarray:
    """Enlarges (h, w, 3) to a width by repeating its pixels, so that they show."""
    size = (width, round(picture.shape[0] * width / picture.shape[1]))
    picture = picture.astype(np.float32)
    return cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST)


def draw_head(name: str, width: int) -> np.ndarray:
    """Writes a name: (HEAD, width, 3) float32 in [0, 1]."""
    head = np.full((HEAD, width, 3), 255, np.uint8)
    cv2.putText(head, name, (4, HEAD - 9), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1)
    return head.astype(np.float32) / 255
