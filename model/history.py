"""What a run tells of itself: history.csv, validation.csv and TensorBoard.

history.csv has a row for each checkpoint: means since the last one, and the means of a
validation. validation.csv has a row for each validation, picture and kind of weights,
`averaged` or `raw`. Numbers are rounded to six digits everywhere, so that a resumed run
compares the same ones.
"""

import math
from pathlib import Path

from model.board import Board
from model.rows import append_rows, damaged, read_rows, write_rows

COLUMNS = (
    "step phase samples_per_second learning_rate discriminator_rate gradient_norm "
    "discriminator_gradient_norm alpha_loss laplacian_loss rgba_loss "
    "adversarial_loss discriminator_loss val_sad val_mse val_foreground "
    "val_raw_sad val_raw_mse"
).split()
VALIDATION_COLUMNS = "step weights name sad mse foreground".split()
UNCHANGED = "discriminator"  # the phase in which no validation can get better


class History:
    """Writes one row at a time, and continues the files where a run resumes.

    Attributes:
        board: TensorBoard's files, once it has begun.
    """

    def __init__(self, directory: Path, first_step: int):
        """Reads the files of a run, and leaves them as they are.

        Args:
            directory: The run directory.
            first_step: Rows after this batch, of a run that was cut off, do not count.

        Raises:
            ValueError: If a file is damaged.
        """
        self.directory, self.first_step = directory, first_step
        self.path = directory / "history.csv"
        self.validation_path = directory / "validation.csv"
        self.measured: list[tuple[int, float]] = []
        for row in read_rows(self.path, first_step):
            try:
                self._remember(int(row["step"]), row["phase"], row.get("val_sad"))
            except (KeyError, ValueError) as error:
                raise damaged(self.path, error) from error
        read_rows(self.validation_path, first_step)
        self.collected: list[dict[str, float]] = []

    def begin(self) -> None:
        """Takes later rows out of the files, and opens those of TensorBoard.

        Raises:
            OSError: If they cannot be written.
        """
        for path, columns in (
            (self.path, COLUMNS),
            (self.validation_path, VALIDATION_COLUMNS),
        ):
            write_rows(path, columns, read_rows(path, self.first_step))
        self.board = Board(self.directory / "tensorboard", self.first_step)

    @property
    def best(self) -> tuple[int, float] | None:
        """The batch of the lowest validation SAD, and that; None without any."""
        return min(self.measured, key=lambda row: row[1], default=None)

    @property
    def stale(self) -> int:
        """How many validations came after the best one."""
        steps = [step for step, _ in self.measured]
        return len(steps) - 1 - steps.index(self.best[0]) if steps else 0

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
        append_rows(self.path, COLUMNS, [{"step": step, "phase": phase, **row}])
        self._remember(step, phase, row.get("val_sad"))
        self.board.scalars(step, values)
        return values

    def write_validation(self, step: int, rows: list[dict]) -> None:
        """Adds what was measured of each picture.

        Args:
            step: How many batches have been seen.
            rows: Any of `VALIDATION_COLUMNS` by name.
        """
        texts = [
            {
                name: f"{value:.6g}" if isinstance(value, float) else value
                for name, value in row.items()
            }
            for row in rows
        ]
        append_rows(
            self.validation_path,
            VALIDATION_COLUMNS,
            [{"step": step, **text} for text in texts],
        )

    def close(self) -> None:
        """Closes the files."""
        self.board.close()

    def _remember(self, step: int, phase: str, val_sad: str | None) -> None:
        """Keeps a validation in mind, if the row has one that counts."""
        if val_sad and math.isfinite(float(val_sad)) and phase != UNCHANGED:
            self.measured.append((step, float(val_sad)))
