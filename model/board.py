"""TensorBoard: the scalars and the pictures of a run.

Losses, rates and norms come with each row of the history, under their names there. At
each validation a few fixed pairs are shown: `validation/NAME` (image, trimap, alpha,
truth, error, composite) and, where the discriminator plays, `discriminator/NAME` (a
true composite, what it thinks of each patch, and the same of the predicted one).
"""

from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf

from model import matting

PANEL_HEIGHT = 240  # of a validation picture, in pixels


class Board:
    """Writes the event files of one run."""

    def __init__(self, directory: Path, first_step: int):
        """Opens an event file.

        Args:
            directory: Where the event files are.
            first_step: Events after this batch, of a run that was cut off, go.
        """
        for path in sorted(directory.glob("events.out.tfevents.*")):
            forget_after(path, first_step)
        self.writer = tf.summary.create_file_writer(str(directory))

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Adds numbers.

        Args:
            step: How many batches have been seen.
            values: By name.
        """
        with self.writer.as_default(step=step):
            for name, value in values.items():
                tf.summary.scalar(name, value)
        self.writer.flush()

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        """Adds a picture.

        Args:
            step: How many batches have been seen.
            name: Of the picture.
            picture: (H, W, 3) float32 in [0, 1].
        """
        with self.writer.as_default(step=step):
            tf.summary.image(name, picture[None])
        self.writer.flush()

    def close(self) -> None:
        """Closes the file."""
        self.writer.close()


def forget_after(path: Path, step: int) -> None:
    """Drops the events after a batch, and a last one that a kill cut short.

    Args:
        path: An event file, left as it is where nothing has to go.
        step: The last batch that stays.
    """
    kept, is_whole = [], True
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            if tf.compat.v1.Event.FromString(record).step <= step:
                kept.append(record)
            else:
                is_whole = False
    except tf.errors.DataLossError:
        is_whole = False
    if is_whole:
        return
    temporary = path.with_name(f".part-{path.name}")
    try:
        with tf.io.TFRecordWriter(str(temporary)) as writer:
            for record in kept:
                writer.write(record)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def panel(pair: dict, alpha: np.ndarray) -> np.ndarray:
    """Lays out image, trimap, alpha, truth, error and a composite side by side.

    Args:
        pair: `image`, `foreground` (H, W, 3), `alpha` and `trimap` (H, W).
        alpha: (H, W) float32 in [0, 1], predicted.

    Returns:
        (about PANEL_HEIGHT, W', 3) float32 in [0, 1].
    """
    magenta = np.broadcast_to(np.float32([1, 0, 1]), pair["image"].shape)
    grey = [pair["trimap"] / 255, alpha, pair["alpha"], np.abs(alpha - pair["alpha"])]
    return _side_by_side(
        pair["image"],
        *(np.repeat(values[..., None], 3, axis=2) for values in grey),
        matting.composite(pair["image"], magenta, alpha),
    )


def patches(pair: dict, alpha: np.ndarray, discriminator) -> np.ndarray:
    """Lays out what the discriminator thinks of the true and of the predicted alpha.

    Both are composited as in training, of the true foreground, over another
    background: the mirrored image.

    Args:
        pair: `image`, `foreground` (H, W, 3), `alpha` and `trimap` (H, W).
        alpha: (H, W) float32 in [0, 1], predicted.
        discriminator: As `discriminator.build_discriminator` gives it.

    Returns:
        (about PANEL_HEIGHT, W', 3) float32 in [0, 1]: true composite, its map,
        predicted composite, its map. In a map white is taken for real.
    """
    shown = []
    for values in (pair["alpha"], alpha):
        picture = matting.composite(pair["foreground"], pair["image"][:, ::-1], values)
        logits = discriminator.predict_on_batch(
            {"composite": picture[None], "trimap": pair["trimap"][None, ..., None]}
        )
        real = 1 / (1 + np.exp(-np.float32(logits[0, ..., 0])))
        size = values.shape[::-1]
        real = cv2.resize(real, size, interpolation=cv2.INTER_NEAREST)
        shown += [picture, np.repeat(real[..., None], 3, axis=2)]
    return _side_by_side(*shown)


def _side_by_side(*pictures: np.ndarray) -> np.ndarray:
    step = max(1, pictures[0].shape[0] // PANEL_HEIGHT)
    return np.concatenate(pictures, axis=1)[::step, ::step].astype(np.float32)
