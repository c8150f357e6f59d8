"""Which files may be written: endings, folders, and no file twice.

All that can be refused is refused before the work begins.
"""

import math
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

TRANSPARENT = (".png", ".webp", ".tif", ".tiff")  # formats that hold 8 bits of alpha
LOSSLESS = (*TRANSPARENT, ".bmp")
DEEP = (".png", ".tif", ".tiff")  # formats that hold 16 bits of grey
OPAQUE = (*LOSSLESS, ".jpg", ".jpeg")
LONGEST_SIDE = {".webp": 16383, ".jpg": 65500, ".jpeg": 65500}  # pixels in a format
STANDARD = Path("-")  # the standard output, as PNG


class Targets(NamedTuple):
    """The files to write for one picture, or the folders for those of many.

    Attributes:
        output: The cut-out, or the composite; None where a film has it.
        alpha: Alpha alone, or None.
        foreground: The colours alone, or None.
    """

    output: Path | None
    alpha: Path | None
    foreground: Path | None


def check_targets(
    targets: Targets, inputs: Sequence[Path], is_composite: bool, bits: int = 8
) -> None:
    """Refuses, before the work, files that could not or must not be written.

    Args:
        targets: The files to write.
        inputs: The files that are read.
        is_composite: Whether the output is opaque.
        bits: Of the alpha, 8 or 16.

    Raises:
        OSError: If a folder is missing or not writable.
        ValueError: If an ending does not fit, or an input would be overwritten.
    """
    output, alpha, foreground = targets
    if output != STANDARD:
        check_ending(output, is_composite)
        check_writable(output, inputs)
    formats = {"alpha": DEEP if bits == 16 else LOSSLESS, "foreground": OPAQUE}
    seen = {"OUTPUT": output}
    for name, path in (("alpha", alpha), ("foreground", foreground)):
        if path is None:
            continue
        if path.suffix.lower() not in formats[name]:
            needed = f"{bits} bits of grey" if name == "alpha" else "a picture"
            raise ValueError(
                f"{path}: {path.suffix or 'no ending'} is no format that keeps "
                f"{needed}; end it in .png"
            )
        for other, taken in seen.items():
            if is_same_file(path, taken):
                raise ValueError(f"{path}: both {other} and --{name}; give two files")
        seen[f"--{name}"] = path
        check_writable(path, inputs)


def check_ending(output: Path, is_composite: bool) -> None:
    """Refuses an output whose format cannot hold what it is to hold.

    Args:
        output: The file to write.
        is_composite: Whether it is opaque.

    Raises:
        ValueError: If its ending does not fit.
    """
    ending = f"a {output.suffix} file" if output.suffix else "a file without ending"
    if is_composite and output.suffix.lower() not in OPAQUE:
        raise ValueError(f"{output}: {ending} is no picture; end it in .png or .jpg")
    if not is_composite and output.suffix.lower() not in TRANSPARENT:
        raise ValueError(
            f"{output}: {ending} has no transparency in 256 levels, which the cut-out "
            "needs; end OUTPUT in .png, or give --composite and a background"
        )


def check_size(targets: Targets, shape: tuple[int, int]) -> None:
    """Refuses pictures that are too large for the formats of their files.

    Args:
        targets: The files to write.
        shape: Height and width of the picture.

    Raises:
        ValueError: If a side is too long.
    """
    for path in filter(None, targets):
        longest = LONGEST_SIDE.get(path.suffix.lower(), math.inf)
        if max(shape) > longest:
            raise ValueError(
                f"{path}: {path.suffix} holds {longest} pixels a side at most, got "
                f"{max(shape)}; end it in .png"
            )


def check_writable(path: Path, inputs: Sequence[Path]) -> None:
    """Refuses a file that cannot be written, or is one of the inputs.

    Args:
        path: The file to write.
        inputs: The files that are read.

    Raises:
        OSError: If its folder is missing or one of both is not writable.
        ValueError: If it is a folder or an input.
    """
    folder = path.parent
    if path.is_dir():
        raise ValueError(f"{path}: a folder; give the name of a file")
    check_kept(path, inputs)
    if not folder.is_dir():
        raise FileNotFoundError(f"{path}: no folder {folder}; make it first")
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(f"{path}: write-protected; give another name")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise PermissionError(
            f"{path}: folder {folder} is not writable ({error.strerror}); give another"
        ) from error


def check_kept(path: Path, inputs: Sequence[Path]) -> None:
    """Refuses a file to write that is one of the inputs.

    Args:
        path: The file to write.
        inputs: The files that are read.

    Raises:
        ValueError: If it is.
    """
    if any(is_same_file(path, other) for other in inputs):
        raise ValueError(f"{path}: would overwrite the input; give another name")


def check_folders(
    read: list[Path], written: list[Path], reason: str = "INPUT is a folder"
) -> None:
    """Refuses folders that cannot be written, or would mix with others.

    Args:
        read: Of pictures and trimaps.
        written: Of results.
        reason: Why they have to be folders.

    Raises:
        ValueError: If one is a file, or named like one, or the same as another.
    """
    taken = list(read)
    for folder in written:
        if folder == STANDARD:
            raise ValueError(f"-: {reason}, so OUTPUT has to be one too")
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"{folder}: a file; {reason}, so give a folder")
        if not folder.exists() and folder.suffix.lower() in OPAQUE:
            raise ValueError(f"{folder}: named as a picture; {reason}, give a folder")
        if any(is_same_file(folder, other) for other in taken):
            raise ValueError(f"{folder}: given twice; results need a folder by itself")
        taken.append(folder)


def in_folders(folders: Targets, stem: Path, ending: str) -> Targets:
    """Gives the files of one picture in the folders of results.

    Args:
        folders: Of the outputs, of alphas and of foregrounds.
        stem: The picture's place in its folder, without ending.
        ending: Of the output, with its dot; alpha and foreground are PNG files.

    Returns:
        The files.
    """
    files = [
        folder and folder / stem.with_name(stem.name + kind)
        for folder, kind in zip(folders, (ending, ".png", ".png"), strict=True)
    ]
    return Targets(*files)


def keep_stderr() -> None:
    """Gives messages a place to go where the standard error is closed: none.

    The next file that is opened would take its number otherwise, and get what
    libraries say.
    """
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")


def make_folders(paths: Iterable[Path | None]) -> None:
    """Makes the folders of files, where they are missing.

    Args:
        paths: The files; those that are None are left out.

    Raises:
        OSError: If one cannot be made.
    """
    for path in filter(None, paths):
        path.parent.mkdir(parents=True, exist_ok=True)


def are_there(targets: Targets) -> bool:
    """Tells whether all files of a picture have been written already."""
    return all(path.is_file() for path in targets if path)


def is_same_file(path: Path, other: Path) -> bool:
    """Tells whether two paths lead to one file, through links too.

    Args:
        path: A path, existing or not.
        other: Another one.

    Returns:
        True if writing to one would change the other.
    """
    if path.exists() and other.exists():
        return path.samefile(other)
    return os.path.realpath(path) == os.path.realpath(other)
