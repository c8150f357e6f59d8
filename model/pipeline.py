"""The library: `from model import Matting`.

A photograph and its trimap go in, as files, pictures or arrays; alpha and foreground
come out, with what one does with them. A snapshot is loaded once and used from any
number of threads.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from model import decoding, guides, images, matting
from model.network import load_network
from model.predict import FINE_VIEWS, ONCE, Matte, predict

LOGDIR = Path(__file__).resolve().parents[1] / "log" / "matting"
FAST = LOGDIR.with_name("matting-fast")

Picture = Path | str | Image.Image | np.ndarray


class Matting:
    """Mattes photographs by one snapshot.

    >>> image = np.zeros((48, 64, 3), np.uint8)
    >>> image[:, 32:] = 200
    >>> trimap = np.full((48, 64), 128, np.uint8)
    >>> trimap[:, :16], trimap[:, 48:] = 0, 255
    >>> matte = Matting()(image, trimap)
    >>> matte.alpha.shape, matte.cutout().mode
    ((48, 64), 'RGBA')
    >>> float(matte.alpha[0, 0]), float(matte.alpha[0, 63])
    (0.0, 1.0)
    """

    def __init__(
        self,
        checkpoint: int | str = -1,
        logdir: Path | str | None = None,
        fast: bool = False,
        translucent: bool = False,
        fine: bool = False,
    ):
        """Loads a snapshot.

        Args:
            checkpoint: Its training step; -1 is the latest, `best` that of the
                lowest validation error.
            logdir: The run directory; `log/matting` if None.
            fast: Whether `log/matting-fast` is taken instead, which needs 0.3 of
                the time and misses some detail.
            translucent: Whether trimaps may be without foreground: of smoke, glass
                and veils, which are opaque nowhere.
            fine: Whether pictures of up to 2.7 megapixels are looked at once more,
                enlarged by a half, which takes three times the time and gives sharper
                edges and fewer large errors.

        Raises:
            FileNotFoundError: If there is no such snapshot.
            ValueError: If it is damaged, or both a directory and `fast` are given.
        """
        if fast and logdir is not None:
            raise ValueError(
                f"fast: is log/matting-fast, got logdir={logdir} too; give one of them"
            )
        if logdir is None:
            logdir = FAST if fast else LOGDIR
        self.network = load_network(logdir, checkpoint)
        self.translucent = translucent
        self.views = FINE_VIEWS if fine else ONCE

    def __call__(self, image: Picture, trimap: Picture) -> Matte:
        """Mattes one photograph.

        Args:
            image: A file, a picture, or (H, W, 3) RGB: uint8, or float in [0, 1].
                Files are turned upright by their EXIF orientation; a picture is taken
                as it is.
            trimap: A file, a picture, or (H, W): uint8, or float in [0, 1]; black is
                background, white foreground, all between unknown.

        Returns:
            Alpha, exactly 0 and 1 where the trimap is known, and foreground, equal
            to the image where alpha is 1 when it is rounded to 8 bits.

        Raises:
            FileNotFoundError: If a file does not exist.
            ValueError: If one is no picture, or both do not belong together.
        """
        colours, codes = read_image(image), read_trimap(trimap)
        otherwise = "; or give translucent=True, if nothing is opaque"
        matting.check_pair(colours, codes, self.translucent, otherwise)
        return predict(self.network, colours, codes, self.views)


def read_image(source: Picture) -> np.ndarray:
    """Reads a photograph from wherever it is: (H, W, 3) float32 in [0, 1].

    Args:
        source: A file, a picture, or (H, W, 3) uint8, or float in [0, 1].

    Returns:
        (H, W, 3) float32 in [0, 1].

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is no picture, or an array of another kind.
    """
    if isinstance(source, Image.Image):
        return images.rgb_of(decoding.complete(source, "image"))
    if not isinstance(source, np.ndarray):
        return images.read_image(source)
    if source.ndim != 3 or source.shape[2] != 3:
        raise ValueError(f"image: got shape {source.shape}; give (H, W, 3)")
    return images.to_unit(source, "image")


def read_trimap(source: Picture) -> np.ndarray:
    """Reads a trimap from wherever it is.

    Args:
        source: A file, a picture, or (H, W) uint8, or float in [0, 1].

    Returns:
        (H, W) uint8 codes.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is no picture, or an array of another kind.
    """
    if isinstance(source, Image.Image):
        return guides.trimap_of(decoding.complete(source, "trimap"))
    if not isinstance(source, np.ndarray):
        return guides.read_trimap(source)
    if source.ndim != 2:
        raise ValueError(f"trimap: got shape {source.shape}; give (H, W)")
    return matting.trimap_from_grey(images.to_unit(source, "trimap"))
