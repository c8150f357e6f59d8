"""Photographs in the layout of alphamatting.com, to measure on."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from model import guides, images, matting
from scripts.measure.case import Case


def find_photographs(
    directory: Path, trimaps: list[str], limit: int | None
) -> list[str]:
    """Lists the photographs and reads each once, so that no late one can fail.

    Args:
        directory: Folder in the layout of alphamatting.com.
        trimaps: Names of folders of trimaps.
        limit: How many to take, or None for all.

    Returns:
        Names without ending, sorted.

    Raises:
        FileNotFoundError: If a folder or a file is missing.
        ValueError: If a file is no picture, or pictures do not fit together.
    """
    folder = directory / "input_training_lowres"
    names = sorted(path.stem for path in folder.glob("*.png"))[:limit]
    if not names:
        raise FileNotFoundError(
            f"{folder}: no *.png; give a folder in the layout of alphamatting.com "
            "or a data directory of scripts/combine.py"
        )
    for name in names:
        for trimap in trimaps:
            read_photograph(directory, name, trimap)
    return names


def read_cases(directory: Path, names: list[str], trimaps: list[str]) -> Iterator[Case]:
    """Reads the photographs with one folder of trimaps after the other.

    Args:
        directory: Folder in the layout of alphamatting.com.
        names: Of photographs, as `find_photographs` gives them.
        trimaps: Names of folders of trimaps.

    Yields:
        The cases, whose true foreground is unknown.
    """
    for trimap in trimaps:
        for name in names:
            yield read_photograph(directory, name, trimap)


def read_photograph(directory: Path, name: str, trimap_name: str) -> Case:
    """Reads image, trimap and true alpha, and checks that they fit.

    Args:
        directory: Folder in the layout of alphamatting.com.
        name: Of the photograph, without ending.
        trimap_name: Of the folder of trimaps.

    Returns:
        The case, whose true foreground is unknown.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is no picture, or they do not fit together.
    """
    file = f"{name}.png"
    trimap_path = directory / "trimap_training_lowres" / trimap_name / file
    alpha_path = directory / "gt_training_lowres" / file
    image = images.read_image(directory / "input_training_lowres" / file)
    trimap = guides.read_trimap(trimap_path)
    alpha = images.read_grey(alpha_path)
    for path, picture in ((trimap_path, trimap), (alpha_path, alpha)):
        if picture.shape != image.shape[:2]:
            raise ValueError(
                f"{path}: not the size of its photograph, got (H, W) {picture.shape} "
                f"for {image.shape[:2]}; give both in one size"
            )
    for code in (matting.BACKGROUND, matting.UNKNOWN, matting.FOREGROUND):
        if code not in trimap:
            raise ValueError(
                f"{trimap_path}: no pixel of code {code}, got only "
                f"{np.unique(trimap).tolist()}; mark all three regions"
            )
    labels = {"trimap": trimap_name, "photograph": name}
    return Case(labels, image, trimap, alpha, None)
