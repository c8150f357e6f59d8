"""A film file or a folder of frames, read frame by frame, and its key frames."""

import os
import re
from argparse import ArgumentTypeError
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from model import engine, images

ENDINGS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".ogv")
SLACK = 0.02  # of the frames, by which a header may be wrong
LARGEST_PROMISE = 1e9  # frames; headers without a length tell of more
RATE = Fraction(25)  # frames a second where nothing tells it
LARGEST_DENOMINATOR = 1001  # of 30000/1001 and the like


def parse_rate(text: str) -> Fraction:
    """Reads a frame rate as it is written on a command line.

    Args:
        text: Such as `25`, `23.976` or `30000/1001`.

    Returns:
        Frames a second.

    Raises:
        ArgumentTypeError: If it is something else.
    """
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate < 10000:
        raise ArgumentTypeError(
            f"got {text!r}; give frames a second, such as 25 or 30000/1001"
        )
    return rate


class Clip:
    """Frames in their order; may be read several times, also at the same time.

    Attributes:
        path: The file or folder.
        names: Of the frames: the file's, without ending, or six digits, from 000001.
        rate: Frames a second.
        is_film: Whether it is a file.
        missing: Frames that a film's header tells of, but that cannot be read.
    """

    def __init__(self, path: Path, rate: Fraction | None = None):
        """Finds the frames; of a film all are decoded once, to count them.

        Args:
            path: A film, or a folder of pictures, which are sorted by their names,
                numbers in them by their value.
            rate: Frames a second; as the file says if None.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it has no frame, or two frames have one name.
        """
        self.path = path
        self.is_film = not path.is_dir()
        self._files: list[Path] = []
        self.missing = 0
        if self.is_film:
            count, told, self.missing = _count(path)
            self.names = [f"{number:06d}" for number in range(1, count + 1)]
        else:
            told = RATE
            self._files = sorted(_pictures(path), key=_order)
            self.names = [file.stem for file in self._files]
            if len(set(self.names)) < len(self.names):
                twice = next(name for name in self.names if self.names.count(name) > 1)
                raise ValueError(f"{path}: two frames are called {twice}; rename one")
        self.rate = rate or told
        if not self.names:
            raise ValueError(f"{path}: no picture in this folder")

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[images.Photograph]:
        """Reads the frames.

        Yields:
            Frames of one size.

        Raises:
            OSError: If a file is not readable.
            ValueError: If a picture is damaged, or a frame of another size than the
                first. Damage within a film is not found: what OpenCV makes of it is
                a frame.
        """
        shape = None
        for name, frame in zip(self.names, self._read(), strict=True):
            if shape is not None and frame.pixels.shape != shape:
                height, width = frame.pixels.shape[:2]
                raise ValueError(
                    f"{self.path}: frame {name} is {width}x{height} but those before "
                    f"are {shape[1]}x{shape[0]}; give frames of one size"
                )
            shape = frame.pixels.shape
            yield frame

    def _read(self) -> Iterator[images.Photograph]:
        """Reads the frames of a folder or of a film."""
        if not self.is_film:
            yield from map(images.read_photograph, self._files)
            return
        capture = _open(self.path)
        try:
            for _ in self.names:
                is_there, levels = capture.read()
                if not is_there:
                    raise ValueError(f"{self.path}: changed while it was read")
                pixels = levels[..., ::-1].astype(np.float32) / 255
                yield images.Photograph(pixels, None, None)
        finally:
            capture.release()


def find_keys(clip: Clip, guides: Path | None) -> dict[int, Path | None]:
    """Finds out which frames have a trimap, a mask or strokes.

    Args:
        clip: The frames.
        guides: A folder of pictures with the names of frames, of a film with their
            numbers at the end of the name, from 1; or one picture, that of the first
            frame; or None, if the first frame needs none (a box).

    Returns:
        The pictures by the numbers of their frames, from 0.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If a picture belongs to no frame, or two to one, or there is none.
    """
    if guides is None or not guides.is_dir():
        if guides is not None and guides != Path("-") and not guides.exists():
            raise FileNotFoundError(f"{guides}: no such file or folder")
        return {0: guides}
    numbers = {name: at for at, name in enumerate(clip.names)}
    found: dict[int, Path | None] = {}
    for path in sorted(_pictures(guides), key=_order):
        name = path.stem
        if clip.is_film:
            digits = re.search(r"\d*$", name).group()
            name = f"{int(digits):06d}" if digits else name
        if name not in numbers:
            wanted = (
                f"a frame's number at the end, 1 to {len(clip)}"
                if clip.is_film
                else f"the name of one of {len(clip)} frames"
            )
            raise ValueError(
                f"{path}: belongs to no frame; its name has to be {wanted}"
            )
        number = numbers[name]
        if number in found:
            raise ValueError(f"{path}: {found[number].name} is of the same frame")
        found[number] = path
    if not found:
        raise ValueError(f"{guides}: no picture in this folder")
    return dict(sorted(found.items()))


def _pictures(folder: Path) -> list[Path]:
    """Lists the pictures in a folder, without hidden ones."""
    return [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in images.EXTENSIONS and not path.name.startswith(".")
    ]


def _order(path: Path) -> tuple[list, str]:
    """Gives what names are sorted by: numbers by their value, then as they stand."""
    parts = re.split(r"(\d+)", path.stem)
    values = [
        (part, 0) if at % 2 == 0 else ("", int(part)) for at, part in enumerate(parts)
    ]
    return values, path.name


def _open(path: Path) -> cv2.VideoCapture:
    """Opens a film."""
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError as error:  # which would crash OpenCV
        raise ValueError(
            f"{path}: its name is not UTF-8, so OpenCV cannot open it; rename it"
        ) from error
    # or else ffmpeg tells what is damaged itself, line by line
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    with engine.silenced_stderr():  # of OpenCV, which warns of what it cannot read
        # absolute, as what is before a colon would be taken for a protocol
        capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise ValueError(
            f"{path}: no film that OpenCV can read; give frames in a folder"
        )
    return capture


def _count(path: Path) -> tuple[int, Fraction, int]:
    """Counts the frames of a film by decoding them.

    Returns:
        How many there are, frames a second, and how many more the header tells of, if
        that is more than a guess by its length may be wrong.
    """
    capture = _open(path)
    try:
        count = 0
        with engine.silenced_stderr():  # beyond the last frame OpenCV may warn
            while capture.grab():
                count += 1
        told = capture.get(cv2.CAP_PROP_FPS)
        promised = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    finally:
        capture.release()
    if not count:
        raise ValueError(f"{path}: no frame in it that OpenCV can read")
    is_known = 0 < told < 1e4  # not for NaN either
    rate = Fraction(told).limit_denominator(LARGEST_DENOMINATOR) if is_known else RATE
    slack = max(SLACK * count, 1)
    is_short = slack < promised - count < LARGEST_PROMISE
    return count, rate or RATE, round(promised) - count if is_short else 0
