"""One picture from its files to the files of its matte.

In come a photograph and its trimap, or what one is made from; out go the cut-out or a
composite, and alpha and foreground alone where they are wanted. `folder` and `footage`
do the same with many.
"""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from model import checkpoint, guides, images, matting, network, outputs, places, predict
from model import trimap as trimaps

OTHERWISE = "; or give --translucent, if nothing is opaque"


@dataclass(frozen=True)
class Options:
    """How pictures are matted and what is written of them.

    Attributes:
        logdir: The run directory of the network.
        checkpoint: Training step of the snapshot; -1 is the latest, `best` that of
            the lowest validation error.
        translucent: Whether trimaps may be without foreground.
        kind: What the guides are: `trimap`, `mask`, `scribbles`; or `box`, if there
            are none.
        box: Around the object, if `kind` says so.
        band: Half of the unknown band's width of trimaps that are made, as a share of
            the picture's side.
        composite: What the foreground is put on, as of `outputs.parse_background`;
            None for a cut-out.
        bits: Of the alpha alone, 8 or 16.
        views: Scales at which pictures are looked at, as of `predict.run`.
        verbose: Whether a line is told for each picture.
    """

    logdir: Path
    checkpoint: int | str = -1
    translucent: bool = False
    kind: str = "trimap"
    box: trimaps.Box | None = None
    band: float = trimaps.BAND
    composite: str | None = None
    bits: int = 8
    views: tuple[float, ...] = predict.ONCE
    verbose: bool = False


class Cutter:
    """Takes pictures from their files to the files of their mattes.

    Attributes:
        options: What it was made with.
        background: What the foreground is put on; None for a cut-out.
        network: The network, once it is loaded.
        written: The files that have been replaced.
    """

    def __init__(self, options: Options):
        """Understands the options; no network is loaded yet.

        Args:
            options: What is wanted.

        Raises:
            FileNotFoundError: If there is no such snapshot.
            RuntimeError: If there is not enough memory for a background.
            ValueError: If an option is wrong.
        """
        self.options = options
        self.background = None
        if options.composite is not None:
            with plain_failures():
                self.background = outputs.parse_background(options.composite)
        checkpoint.find_snapshot(options.logdir, options.checkpoint)
        self.network = None
        self.written: list[Path] = []

    def cut(self, image: Path, guide: Path | None, targets: places.Targets) -> None:
        """Mattes one picture.

        Args:
            image: The picture.
            guide: Its trimap, mask or strokes; None if a box is given.
            targets: The files to write.

        Raises:
            KeyboardInterrupt: After Ctrl-C; all files are replaced, or none.
            OSError: If a file is missing, not readable or not writable.
            RuntimeError: If the network fails.
            ValueError: If a file is not what it should be.
        """
        options = self.options
        self._check(image, guide, targets)
        with plain_failures():
            photograph = images.read_photograph(image)
            trimap = self.read_trimap(photograph.pixels, guide)
            places.check_size(targets, trimap.shape)
            self.load()
            matte = predict.predict(
                self.network, photograph.pixels, trimap, options.views
            )
            pictures = outputs.render(
                photograph, matte, targets, self.background, options.bits
            )
            outputs.write_all(
                pictures, photograph.profile, photograph.resolution, self.written
            )
        if options.verbose:
            print(f"{image}: {targets.output}", file=sys.stderr)

    def read_trimap(
        self, image: np.ndarray, guide: Path | None, may_be_empty: bool = False
    ) -> np.ndarray:
        """Reads or makes the trimap of a picture.

        Args:
            image: (H, W, 3) float32 in [0, 1].
            guide: Trimap, mask or strokes; None if a box is given.
            may_be_empty: Whether a trimap may be without the object, as those of
                some frames of a clip are.

        Returns:
            (H, W) uint8 codes.

        Raises:
            OSError: If the file is missing or not readable.
            ValueError: If it is no picture or does not belong to the image.
        """
        options = self.options
        if options.kind != "trimap":
            mask, strokes = (
                guide if options.kind == kind else None
                for kind in ("mask", "scribbles")
            )
            return trimaps.from_options(image, mask, strokes, options.box, options.band)
        trimap = guides.read_trimap(guide)
        try:
            if may_be_empty:
                matting.check_size(image, trimap)
            else:
                matting.check_pair(image, trimap, options.translucent, OTHERWISE)
        except ValueError as error:
            raise ValueError(f"{guide}: {error}") from error
        return trimap

    def load(self) -> None:
        """Loads the network, if that has not been done.

        Raises:
            OSError: If it is not there.
            RuntimeError: If what exports it is not installed.
            ValueError: If it is damaged.
        """
        if self.network is None:
            try:
                self.network = network.load_network(
                    self.options.logdir, self.options.checkpoint
                )
            except ImportError as error:
                raise RuntimeError(f"{error}; see --doctor") from error

    def _check(self, image: Path, guide: Path | None, targets: places.Targets) -> None:
        """Refuses, before the work, files that could not or must not be written."""
        composite = self.options.composite
        behind = Path(composite) if composite else None
        read = [
            path
            for path in (image, guide, behind)
            if path and path != places.STANDARD and path.exists()
        ]
        is_composite = self.background is not None
        places.check_targets(targets, read, is_composite, self.options.bits)


def cut_picture(
    options: Options,
    image: Path,
    guide: Path | None,
    targets: places.Targets,
    written: list[Path],
) -> None:
    """Mattes a single picture.

    Args:
        options: How it is matted.
        image: The picture.
        guide: Its trimap, mask or strokes; None if a box is given.
        targets: The files to write.
        written: Gets the files that have been replaced, all of them or none.

    Raises:
        OSError: If a file is missing, not readable or not writable.
        RuntimeError: If the network fails.
        ValueError: If a file or an option is not what it should be.
    """
    cutter = Cutter(options)
    cutter.written = written
    cutter.cut(image, guide, targets)


@contextlib.contextmanager
def plain_failures() -> Iterator[None]:
    """Makes a `RuntimeError` of what matting may fail by."""
    try:
        yield
    except MemoryError as error:
        raise RuntimeError("out of memory") from error
    except cv2.error as error:
        raise RuntimeError(f"OpenCV: {error.err}") from error
