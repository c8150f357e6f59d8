"""Exported networks beside the checkpoint they are made of: errors, time, bytes."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from model import matting, prior
from model.precision import Inputs
from scripts.measure import accuracy, runtimes

SIZES = ((256, 320), (576, 768))  # height and width, in pixels
TOLERANCE = 1 / 255  # by which alpha may differ in float32


class Exported(NamedTuple):
    """A file to write: its format, its precision, and where."""

    name: str
    precision: str
    path: Path


class Reference(NamedTuple):
    """Real pictures, and what the checkpoint says of them.

    Attributes:
        examples: To measure on.
        alphas: The checkpoint's alpha of each, (1, h, w, 1) float32.
        samples: Inputs of others, to calibrate by; none unless they are needed.
    """

    examples: list[accuracy.Example]
    alphas: list[np.ndarray]
    samples: list[Inputs]


def refer(generator, precisions: Collection[str]) -> Reference:
    """Makes the real pictures and asks the checkpoint.

    Args:
        generator: As `checkpoint.load_generator` gives it.
        precisions: Of the files that are to be measured.

    Returns:
        What they are measured by.
    """
    examples = accuracy.list_examples(generator)
    alphas = [runtimes.alpha_of(generator, example.inputs) for example in examples]
    samples = []
    if "int8" in precisions:
        samples = accuracy.list_samples_to_calibrate(generator)
    return Reference(examples, alphas, samples)


def judge(file: Exported, made: Path, reference: Reference) -> str:
    """Measures a file of fewer bits; gives "", or the figures that speak against it."""
    network = runtimes.LOADERS[file.name](made)
    found = accuracy.measure_accuracy(network, reference.examples, reference.alphas)
    if found.is_good:
        return ""
    return (
        f"{file.path}: not written, {file.precision} is not accurate enough: alpha "
        f"differs by {255 * found.mean:.2f}/255 in the mean, by "
        f"{255 * found.worst:.2f}/255 in that of a picture and by "
        f"{255 * found.largest:.1f}/255 at most, {255 * accuracy.MEAN:.0f}/255 and "
        f"{255 * accuracy.LARGEST:.0f}/255 are allowed; take float16 or float32"
    )


def random_inputs(generator, height: int, width: int) -> Inputs:
    """Draws inputs of one size, smooth as pictures are.

    Args:
        generator: Whose inputs they are to be.
        height: In pixels, a multiple of 64.
        width: In pixels, a multiple of 64.

    Returns:
        (1, h, w, C) by name.
    """
    random = np.random.default_rng(0)
    inputs = {}
    for tensor in generator.inputs:
        factor = prior.REDUCED.get(tensor.name, 1)
        cells = random.random((height // 32, width // 32, tensor.shape[-1]), np.float32)
        repeat = 32 // factor
        inputs[tensor.name] = np.kron(cells, np.ones((repeat, repeat, 1), np.float32))
        inputs[tensor.name] = inputs[tensor.name][None]
    inputs["trimap"] = matting.trimap_from_grey(inputs["trimap"])
    return inputs


def validate(
    generator, files: Sequence[Exported], reference: Reference, quiet: bool
) -> bool:
    """Compares files with the checkpoint and prints two tables, unless it is quiet.

    Args:
        generator: As `checkpoint.load_generator` gives it.
        files: Those written.
        reference: The real pictures.
        quiet: Whether nothing is printed.

    Returns:
        Whether all of float32 differ by `TOLERANCE` at most.
    """
    lines = [
        f"{'format':12}{'precision':14}{'MB':>6}{'size':>10}{'difference':>13}"
        f"{'ms':>8}{'/ Keras':>9}"
    ]
    networks = {file: runtimes.LOADERS[file.name](file.path) for file in files}
    good = True
    for height, width in SIZES:
        inputs = random_inputs(generator, height, width)
        expected, own = runtimes.measure(generator, inputs)
        for file, network in networks.items():
            alpha, seconds = runtimes.measure(network, inputs)
            difference = float(np.abs(alpha - expected).max())
            if file.precision == "float32":
                good &= difference <= TOLERANCE
            lines.append(
                f"{file.name:12}{file.precision:14}{size(file.path) / 1e6:6.1f}"
                f"{f'{width}x{height}':>10}{difference:13.1e}{1000 * seconds:8.0f}"
                f"{seconds / own:9.2f}"
            )
    lines += ["", f"alpha's differences over {len(reference.examples)} pictures, / 255"]
    lines += [f"{'format':12}{'precision':14}{'mean':>8}{'worst':>8}{'largest':>9}"]
    for file, network in networks.items():
        found = accuracy.measure_accuracy(network, reference.examples, reference.alphas)
        figures = "".join(
            f"{255 * value:{width}.3f}"
            for value, width in zip(found, (8, 8, 9), strict=True)
        )
        lines.append(f"{file.name:12}{file.precision:14}{figures}")
    if not quiet:
        print("\n".join(lines))
    return good


def size(path: Path) -> int:
    """Counts the bytes of a file, or of all files in a folder."""
    paths = path.rglob("*") if path.is_dir() else [path]
    return sum(part.stat().st_size for part in paths if part.is_file())
