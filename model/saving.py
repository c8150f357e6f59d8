"""The checkpoints of one run: saved so that a kill at any moment loses none.

Everything is written beside the old and renamed when it is whole. The index of a
training state comes last, so that a state with an index is complete; then comes the
generator, which can be made again from the state; only then older ones are deleted.
"""

import io
import itertools
import os
import re
import shutil
from pathlib import Path

from model import checkpoint
from model.checkpoint import EXPORTED, STATE, WEIGHTS

TABLES = ("history.csv", "validation.csv")
PART = ".part-"  # begins the name of what is not complete


class SaveError(Exception):
    """A checkpoint that could not be written; those before it are as they were."""


class Memory(io.BytesIO):
    """A file in memory: HDF5 itself crashes the program where the disk is full."""

    def __str__(self) -> str:  # Keras looks at the name's ending
        return "memory.weights.h5"


class Checkpoints:
    """Saves and restores the training of one run directory."""

    def __init__(self, directory: Path, gan, keep: int, is_writer: bool = True):
        """Tracks what has to survive.

        Args:
            directory: The run directory.
            gan: A `gan.MattingGAN`.
            keep: How many checkpoints stay, and the best one; older ones are deleted.
            is_writer: Whether to change the directory, or to leave that to another
                process.
        """
        import tensorflow as tf

        self.directory = directory
        self.gan = gan
        self.keep = keep
        self.is_writer = is_writer
        self.best: int | None = None
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        scale = {"loss_scale": gan.loss_scale} if gan.loss_scale else {}
        self.state = tf.train.Checkpoint(
            generator=gan.generator,
            discriminator=gan.discriminator,
            generator_optimizer=gan.generator_optimizer,
            discriminator_optimizer=gan.discriminator_optimizer,
            step=self.step,
            **scale,
        )
        _ = self.state.save_counter  # is in every state; made when first asked for

    def save(self, step: int, val_sad: float | None = None) -> None:
        """Saves the state after `step` batches.

        Args:
            step: How many batches have been seen.
            val_sad: Marks it as the best so far, of which this was measured.

        Raises:
            SaveError: If it cannot be written, on a full disk for example.
        """
        import tensorflow as tf

        if not self.is_writer:
            return
        try:
            self.step.assign(step)
            self._write_state(step)
            self._write_weights(step)
            if val_sad is not None:
                checkpoint.write_best(self.directory, step, val_sad)
                self.best = step
        except (OSError, RuntimeError, tf.errors.OpError) as error:
            self._sweep()
            raise SaveError(
                f"{self.directory}: checkpoint {step} cannot be written "
                f"({_first_line(error)})"
            ) from error
        self._prune()

    def restore(self, step: int | str) -> int:
        """Restores a checkpoint; no file is changed, see `go_on_from`.

        Args:
            step: The batch number, -1 for the newest that is whole, or `best`.

        Returns:
            How many batches the state has seen.

        Raises:
            FileNotFoundError: If there is none of that number.
            ValueError: If it is damaged or does not fit the options.
        """
        import tensorflow as tf

        step, _ = find_whole(self.directory, step)
        path = self.directory / f"{STATE}-{step}"
        try:
            self.state.restore(str(path)).assert_consumed()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            tf.get_logger().setLevel("ERROR")  # or it goes on about it at exit
            raise ValueError(
                f"{path}: does not fit these options ({_first_line(error)})"
            ) from error
        return int(self.step.numpy())

    def go_on_from(self, step: int) -> None:
        """Moves checkpoints after the restored one to the folder `abandoned`.

        Its generator is written again if that is not whole.

        Args:
            step: The batch number of the restored one.

        Raises:
            SaveError: If its generator has to be written again, and cannot be.
        """
        if self.is_writer:
            self._abandon_after(step)
            self._mend_weights(step)

    def mark_best(self, best: tuple[int, float] | None) -> None:
        """Puts the mark on the best checkpoint that a resumed run knows of.

        Args:
            best: Its batch number and what was measured of it; None if there is none.
        """
        if not self.is_writer:
            return
        self.best = best[0] if best else None
        if best and best[0] in checkpoint.snapshots(self.directory):
            checkpoint.write_best(self.directory, *best)
        else:
            (self.directory / checkpoint.MARKER).unlink(missing_ok=True)

    def _write_state(self, step: int) -> None:
        """Writes the training state; its index makes it complete."""
        part = self.directory / f"{PART}{STATE}-{step}"
        self.state.write(str(part))
        for path in sorted(self.directory.glob(f"{part.name}.*")):  # data, then index
            os.replace(path, path.with_name(path.name.removeprefix(PART)))

    def _write_weights(self, step: int) -> None:
        """Writes the generator as it is shipped, with averaged weights."""
        path = self.directory / WEIGHTS.format(step=step)
        part = path.with_name(PART + path.name)
        content = Memory()
        with self.gan.averaged():
            self.gan.generator.save_weights(content)
        part.write_bytes(content.getbuffer())
        os.replace(part, path)

    def _mend_weights(self, step: int) -> None:
        """Writes the generator of a state again where it is gone or cut short."""
        if _is_hdf5(self.directory / WEIGHTS.format(step=step)):
            return
        try:
            self._write_weights(step)
        except (OSError, RuntimeError) as error:
            self._sweep()
            raise SaveError(
                f"{self.directory}: generator {step} cannot be written "
                f"({_first_line(error)})"
            ) from error

    def _prune(self) -> None:
        """Deletes checkpoints that are not kept, and what kills have left of others."""
        self._sweep()
        kept = {*checkpoint.states(self.directory)[-self.keep :], self.best}
        for step, paths in self._files().items():
            if step not in kept:
                for path in paths:
                    path.unlink(missing_ok=True)
        # the list that earlier versions kept, which would name what is gone
        (self.directory / "checkpoint").unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Deletes what is not complete."""
        for kind in (STATE, "generator-*.weights.h5", checkpoint.MARKER):
            for path in self.directory.glob(f"{PART}{kind}*"):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

    def _files(self) -> dict[int, list[Path]]:
        """Lists the files of each training state, in the order to delete them.

        A state goes after its generator, so that none of either is forgotten if the
        program is killed between them.
        """
        found: dict[int, list[Path]] = {}
        for path in sorted(self.directory.glob(f"{STATE}-*"), reverse=True):
            match = re.fullmatch(rf"{re.escape(STATE)}-(\d+)\..*", path.name)
            if match:
                found.setdefault(int(match[1]), []).append(path)
        for step, paths in found.items():
            names = (WEIGHTS.format(step=step), EXPORTED.format(step=step))
            paths[:0] = [self.directory / name for name in names]
        return found

    def _abandon_after(self, step: int) -> None:
        """Moves checkpoints of a continuation that is given up out of the way."""
        files = self._files()
        for number in checkpoint.snapshots(self.directory):
            files.setdefault(number, [self.directory / WEIGHTS.format(step=number)])
        later = [
            path
            for number, paths in files.items()
            for path in (paths if number > step else [])
            if path.exists()
        ]
        if not later:
            return
        aside = self.directory / "abandoned"  # a folder for each time, from 1 on
        number = next(n for n in itertools.count(1) if not (aside / str(n)).exists())
        (aside / str(number)).mkdir(parents=True)
        for name in TABLES:  # later rows of these will go: they tell what was moved
            if (self.directory / name).exists():
                shutil.copy2(self.directory / name, aside / str(number) / name)
        for path in later:
            path.replace(aside / str(number) / path.name)


def find_whole(directory: Path, step: int | str = -1) -> tuple[int, str]:
    """Resolves the number of a checkpoint to resume from, one that is whole.

    Args:
        directory: A run directory.
        step: The batch number, -1 for the newest that is whole, or `best`.

    Returns:
        The batch number, and what is wrong with the newest one if it is not that.

    Raises:
        FileNotFoundError: If there is none of that number.
        ValueError: If it is damaged, or all are.
    """
    found = checkpoint.find_state(directory, step)
    told = ""
    for number in reversed(checkpoint.states(directory)) if step == -1 else [found]:
        fault = _find_fault(directory / f"{STATE}-{number}")
        if not fault:
            return number, told
        told = told or fault
    raise ValueError(f"{told}; resume from another with --checkpoint N")


def _find_fault(path: Path) -> str:
    """Reads a training state and says what is wrong with it, or nothing."""
    import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(str(path))
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except (tf.errors.OpError, RuntimeError, ValueError, IndexError) as error:
        return f"{path}: damaged ({_first_line(error)})"
    return ""


def _is_hdf5(path: Path) -> bool:
    """Says whether a file of weights is there and not cut short."""
    import h5py

    try:
        with h5py.File(path):
            return True
    except OSError:
        return False


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
