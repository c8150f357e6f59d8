"""Errors of the alphas of a clip: of each frame, and of how they change in time."""

import numpy as np

HEADS = {"sad": "SAD", "flicker": "flicker x1000", "dtssd": "dtSSD x100"}


def measure(alphas_true: np.ndarray, alphas_pred: np.ndarray) -> dict[str, float]:
    """Measures a clip over whole frames, as the trimaps of two ways may differ.

    Args:
        alphas_true: (T, H, W) float in [0, 1], two frames at least.
        alphas_pred: The same, predicted.

    Returns:
        Means over the frames: `sad`, the sum of absolute errors in thousands;
        `flicker`, the mean absolute change of the error from frame to frame; `dtssd`,
        its root mean square (Erofeev et al., "Perceptually motivated benchmark for
        video matting", BMVC 2015), over the pixels of a frame.

    >>> true = np.zeros((3, 1, 4))
    >>> pred = true.copy()
    >>> pred[1, 0, 0] = 0.5
    >>> measure(true, pred)["flicker"], measure(true, pred)["dtssd"]
    (0.125, 0.25)
    >>> measure(true, true + 0.5)["flicker"]
    0.0
    """
    error = np.asarray(alphas_pred, np.float64) - alphas_true
    change = np.diff(error, axis=0)
    return {
        "sad": float(np.abs(error).sum((1, 2)).mean() / 1000),
        "flicker": float(np.abs(change).mean()),
        "dtssd": float(np.sqrt(np.square(change).mean((1, 2))).mean()),
    }


def summarise(rows: list[dict]) -> list[dict]:
    """Averages the rows of each method over the clips.

    Args:
        rows: `clip`, `method` and the measures.

    Returns:
        A row for each method: their means, and `lower`, the number of clips with less
        of each measure than the first method has.
    """
    methods: dict[str, list[dict]] = {}
    for row in rows:
        methods.setdefault(row["method"], []).append(row)
    first = next(iter(methods.values()))
    means = []
    for name, group in methods.items():
        mean = {"clip": f"{len(group)} clips", "method": name}
        mean |= {key: float(np.mean([row[key] for row in group])) for key in HEADS}
        pairs = list(zip(group, first, strict=True))
        mean["lower"] = {key: sum(a[key] < b[key] for a, b in pairs) for key in HEADS}
        means.append(mean)
    return means


def lay_out(rows: list[dict]) -> list[list[str]]:
    """Lays rows or means out as cells, a heading first."""
    lines = [["clip", "method", "", *HEADS.values()]]
    for row in rows:
        cells = [f"{row['sad']:.3f}", f"{1000 * row['flicker']:.2f}"]
        lines.append(
            [row["clip"], row["method"], "", *cells, f"{100 * row['dtssd']:.2f}"]
        )
    return lines
