"""The methods that are compared: closed-form and KNN matting, and checkpoints."""

import contextlib
import functools
import importlib
import io
import math
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np

from model import matting

METHODS = ("closed-form", "knn", "checkpoint", "fine")
SOLVABLE = 2.0  # megapixels; the solvers take hours beyond


class Matte(NamedTuple):
    """What a method makes of an image and its trimap.

    Attributes:
        alpha: (H, W) float in [0, 1].
        foreground: (H, W, 3) float in [0, 1], or None if it is to be estimated.
        note: What did not go as planned, or "".
    """

    alpha: np.ndarray
    foreground: np.ndarray | None
    note: str


class Method(NamedTuple):
    """A way from an image and its trimap to alpha, and from there to colours.

    Attributes:
        estimate: Of image (H, W, 3) float32 in [0, 1] and trimap (H, W) uint8.
        estimate_foreground: Of image and alpha (H, W) float32 in [0, 1]: (H, W, 3)
            float in [0, 1].
        largest: Megapixels beyond which it takes hours, or does the same as another.
    """

    estimate: Callable[[np.ndarray, np.ndarray], Matte]
    estimate_foreground: Callable[[np.ndarray, np.ndarray], np.ndarray]
    largest: float = math.inf


def load_methods(
    names: list[str], logdirs: list[Path], step: int | str, is_quiet: bool = False
) -> dict[str, Method]:
    """Loads what is to be compared and runs each once on a small picture.

    So no compiler is timed, neither that of pymatting nor that of the first guess.

    Args:
        names: Some of `METHODS`.
        logdirs: Run directories, one method each, called by its last name; `fine` is
            the first of them with pictures enlarged as well.
        step: Of the checkpoints, -1 for the newest, or `best`.
        is_quiet: Whether no progress is told.

    Returns:
        Methods by their names on the screen, in the order of `METHODS`.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If pymatting is missing or two run directories share a name.
    """
    methods: dict[str, Method] = {}
    if "closed-form" in names:
        load_pymatting()
        methods["closed-form"] = Method(run_closed_form, estimate_foreground, SOLVABLE)
    if "knn" in names:
        load_pymatting()
        methods["knn"] = Method(run_knn, estimate_foreground, SOLVABLE)
    for logdir in logdirs if "checkpoint" in names else ():
        label = logdir.resolve().name
        if label in methods:
            raise ValueError(
                f"--logdir: two methods of one name, got {label} twice; rename one"
            )
        methods[label] = load_checkpoint(logdir, step)
    if "fine" in names:
        label = f"{logdirs[0].resolve().name}, fine"
        methods[label] = load_checkpoint(logdirs[0], step, is_fine=True)
    image = np.random.RandomState(0).rand(48, 64, 3).astype(np.float32)
    trimap = np.repeat(np.uint8([0, 128, 128, 255]), 16)[None].repeat(48, axis=0)
    for name, method in methods.items():
        if not is_quiet:
            print(f"warming up {name}", file=sys.stderr)
        method.estimate_foreground(image, method.estimate(image, trimap).alpha)
    return methods


def load_pymatting() -> ModuleType:
    """Imports pymatting, which is an extra, or says how to install it."""
    try:
        return importlib.import_module("pymatting")
    except ImportError as error:
        raise ValueError(
            f"--methods: closed-form and knn need pymatting, got {error}; "
            "pip install -e '.[benchmark]' or give --methods checkpoint"
        ) from error


def estimate_foreground(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Estimates colours by pymatting's multi-level method (Germer et al., 2020).

    Args:
        image: (H, W, 3) float32 RGB in [0, 1].
        alpha: (H, W) float32 in [0, 1].

    Returns:
        (H, W, 3) float64 in [0, 1].
    """
    return load_pymatting().estimate_foreground_ml(
        image.astype(np.float64), alpha.astype(np.float64)
    )


def load_checkpoint(logdir: Path, step: int | str, is_fine: bool = False) -> Method:
    """Loads a generator and wraps it as a method."""
    from model import foreground, predict
    from model.network import load_network

    network = load_network(logdir, step)
    views = predict.FINE_VIEWS if is_fine else predict.ONCE
    largest = predict.LARGEST_VIEW / 1e6 / max(views) ** 2 if is_fine else math.inf

    def run_checkpoint(image: np.ndarray, trimap: np.ndarray) -> Matte:
        outputs = predict.run(network, image, trimap, views)
        return Matte(outputs["alpha"], outputs.get("foreground"), "")

    return Method(run_checkpoint, foreground.estimate_foreground, largest)


def run_closed_form(image: np.ndarray, trimap: np.ndarray) -> Matte:
    """Runs closed-form matting (Levin et al., CVPR 2006), helped if it fails.

    Its incomplete Cholesky factors do not exist for every photograph.

    Args:
        image: (H, W, 3) float32 RGB in [0, 1].
        trimap: (H, W) uint8.

    Returns:
        The matte, without foreground.
    """
    pymatting = load_pymatting()
    shifted = functools.partial(pymatting.ichol, shifts=(0.1, 1.0, 10.0))
    attempts = {
        "": {},
        "Cholesky shifted by 0.1 or more": {"preconditioner": shifted},
        "Jacobi preconditioner": {"preconditioner": pymatting.jacobi},
        "Jacobi preconditioner, 100,000 iterations": {
            "preconditioner": pymatting.jacobi,
            "cg_kwargs": {"maxiter": 100_000},
        },
    }
    return solve(pymatting.estimate_alpha_cf, attempts, image, trimap)


def run_knn(image: np.ndarray, trimap: np.ndarray) -> Matte:
    """Runs KNN matting (Chen et al., CVPR 2012), with patience if it fails.

    Args:
        image: (H, W, 3) float32 RGB in [0, 1].
        trimap: (H, W) uint8.

    Returns:
        The matte, without foreground.
    """
    attempts = {"": {}, "100,000 iterations": {"cg_kwargs": {"maxiter": 100_000}}}
    return solve(load_pymatting().estimate_alpha_knn, attempts, image, trimap)


def solve(
    estimate: Callable[..., np.ndarray],
    attempts: dict[str, dict],
    image: np.ndarray,
    trimap: np.ndarray,
) -> Matte:
    """Calls a function of pymatting with one set of options after the other.

    Args:
        estimate: Of image and trimap in float64, the latter 0, 0.5 or 1.
        attempts: Options by what the note is to say of them.
        image: (H, W, 3) float32 RGB in [0, 1].
        trimap: (H, W) uint8.

    Returns:
        The matte of the first attempt that does not fail, without foreground.

    Raises:
        ValueError: If all fail.
    """
    for code, absent in ((matting.FOREGROUND, 0), (matting.BACKGROUND, 1)):
        if code not in trimap:  # which solves the equations, but pymatting refuses
            alpha = np.full(trimap.shape, absent, np.float64)
            return Matte(alpha, None, f"no pixel of code {code}: alpha is {absent}")
    levels = 0.5 * (trimap == matting.UNKNOWN) + (trimap == matting.FOREGROUND)
    failure = None
    for note, options in attempts.items():
        printed = io.StringIO()  # pymatting warns on stdout of its own retries
        try:
            with contextlib.redirect_stdout(printed):
                alpha = estimate(image.astype(np.float64), levels, **options)
        except ValueError as error:
            failure = error
            continue
        if not note and "insufficient positive-definiteness" in printed.getvalue():
            note = "Cholesky shifted by pymatting itself"
        return Matte(alpha, None, note)
    raise ValueError(f"pymatting: no attempt succeeded, got: {failure}") from failure
