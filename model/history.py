"""What a run tells of itself: history.csv, TensorBoard and the pictures in it."""

import csv
from pathlib import Path

import numpy as np
import tensorflow as tf

from model import matting

COLUMNS = (
    "step phase samples_per_second learning_rate gradient_norm alpha_loss "
    "laplacian_loss rgba_loss adversarial_loss discriminator_loss "
    "val_sad val_mse val_foreground"
).split()
PANEL_HEIGHT = 240  # of a validation picture, in pixels


class History:
    """Writes one row at a time, and continues a file where a run resumes."""

    def __init__(self, directory: Path, first_step: int):
        """Opens the files of a run.

        Args:
            directory: The run directory.
            first_step: Rows after this batch, of a run that was cut off, go.
        """
        self.path = directory / "history.csv"
        rows = []
        if self.path.exists():
            with self.path.open(newline="") as file:
                rows = [
                    row
                    for row in csv.DictReader(file)
                    if int(row["step"]) <= first_step
                ]
        temporary = self.path.with_suffix(".part")
        with temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
        temporary.replace(self.path)
        self.board = tf.summary.create_file_writer(str(directory / "tensorboard"))
        self.collected: list[dict[str, float]] = []

    def collect(self, values: dict[str, float]) -> None:
        """Keeps what one step measured, for the mean in the next row.

        Args:
            values: Any of `COLUMNS` by name.
        """
        self.collected.append(values)

    def write(
        self, step: int, phase: str, values: dict[str, float]
    ) -> dict[str, float]:
        """Adds a row to the file and the scalars to TensorBoard.

        Args:
            step: How many batches have been seen.
            phase: The phase of the last of them.
            values: What stands beside the means, any of `COLUMNS` by name.

        Returns:
            All values of the row by name.
        """
        means = {}
        for name in COLUMNS:
            found = [row[name] for row in self.collected if name in row]
            if found:
                means[name] = sum(found) / len(found)
        self.collected = []
        values = means | values
        row = {name: f"{value:.6g}" for name, value in values.items()}
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, COLUMNS).writerow(
                {"step": step, "phase": phase, **row}
            )
        with self.board.as_default(step=step):
            for name, value in values.items():
                tf.summary.scalar(name, value)
        self.board.flush()
        return values

    def show(self, step: int, name: str, pair: dict, alpha: np.ndarray) -> None:
        """Puts one validation pair into TensorBoard.

        Args:
            step: How many batches have been seen.
            name: Of the pair.
            pair: As `dataset.validation_pairs` gives it.
            alpha: (H, W) float32 in [0, 1], predicted.
        """
        with self.board.as_default(step=step):
            tf.summary.image(f"validation/{name}", panel(pair, alpha)[None])
        self.board.flush()

    def close(self) -> None:
        """Closes the files."""
        self.board.close()


def panel(pair: dict, alpha: np.ndarray) -> np.ndarray:
    """Lays out image, trimap, alpha, truth, error and a composite side by side.

    Args:
        pair: `image`, `foreground` (H, W, 3), `alpha` and `trimap` (H, W).
        alpha: (H, W) float32 in [0, 1], predicted.

    Returns:
        (PANEL_HEIGHT, W', 3) float32 in [0, 1].
    """
    magenta = np.broadcast_to(np.float32([1, 0, 1]), pair["image"].shape)
    grey = [pair["trimap"] / 255, alpha, pair["alpha"], np.abs(alpha - pair["alpha"])]
    pictures = [
        pair["image"],
        *(np.repeat(values[..., None], 3, axis=2) for values in grey),
        matting.composite(pair["image"], magenta, alpha),
    ]
    step = max(1, pair["image"].shape[0] // PANEL_HEIGHT)
    return np.concatenate(pictures, axis=1)[::step, ::step].astype(np.float32)
