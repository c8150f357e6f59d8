"""A run directory: what training leaves there and how it is taken up again.

    config.json               the options that rebuild the networks
    generator-N.weights.h5    the generator after N batches, all that eval.py needs
    generator-N.onnx          the same for ONNX Runtime, made when first needed
    matting.ckpt-N.*          the whole training state after N batches
    history.csv, tensorboard/ what happened

TensorFlow is imported inside the functions that need it, so that a directory
can be checked quickly.
"""

import json
import os
import re
from pathlib import Path

WEIGHTS = "generator-{step}.weights.h5"
EXPORTED = "generator-{step}.onnx"
STATE = "matting.ckpt"


def snapshots(directory: Path | str) -> list[int]:
    """Lists the generators saved in a run directory.

    Args:
        directory: A run directory.

    Returns:
        Their batch numbers, ascending; none if there is no such directory.
    """
    found = (
        re.fullmatch(r"generator-(\d+)\.weights\.h5", path.name)
        for path in Path(directory).glob("generator-*.weights.h5")
    )
    return sorted(int(match[1]) for match in found if match)


def states(directory: Path | str) -> list[int]:
    """Lists the checkpoints from which a training can be resumed.

    Args:
        directory: A run directory.

    Returns:
        Their batch numbers, ascending: those saved generators whose training state
        is there too.
    """
    directory = Path(directory)
    return [
        step
        for step in snapshots(directory)
        if (directory / f"{STATE}-{step}.index").exists()
    ]


def find_state(directory: Path | str, step: int = -1) -> int:
    """Resolves the number of a checkpoint to resume from.

    Args:
        directory: A run directory.
        step: The batch number, or -1 for the newest.

    Returns:
        The batch number.

    Raises:
        FileNotFoundError: If there is none of that number.
    """
    steps = states(directory)
    if not steps:
        only = find_snapshot(directory, step)
        raise FileNotFoundError(
            f"{directory}: of batch {only} only the generator is here, no training to "
            f"resume; start from it with --init {directory} and another --logdir"
        )
    return _pick(directory, steps, step)


def find_snapshot(directory: Path | str, step: int = -1) -> int:
    """Resolves the number of a saved generator.

    Args:
        directory: A run directory.
        step: The batch number, or -1 for the newest.

    Returns:
        The batch number.

    Raises:
        FileNotFoundError: If there is none of that number.
    """
    steps = snapshots(directory)
    if not steps:
        raise FileNotFoundError(
            f"{directory}: no checkpoint here; train one with train.py or give --logdir"
        )
    return _pick(directory, steps, step)


def _pick(directory: Path | str, steps: list[int], step: int) -> int:
    """Takes the newest for -1; names those there are if the wanted one is not."""
    if step == -1:
        return steps[-1]
    if step not in steps:
        raise FileNotFoundError(
            f"{directory}: no checkpoint {step}; there are "
            f"{', '.join(map(str, steps))} (or -1 for the newest)"
        )
    return step


def read_config(directory: Path | str) -> dict:
    """Reads the options that a run was made with.

    Args:
        directory: A run directory.

    Returns:
        The options by name.

    Raises:
        FileNotFoundError: If there are none.
        ValueError: If the file is damaged.
    """
    path = Path(directory) / "config.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file; {directory} is no run directory"
        )
    try:
        config = json.loads(path.read_text())
        for option in ("preset", "widths", "use_prior"):
            config[option]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: damaged ({error!r}); restore the file") from error
    return config


def write_config(directory: Path, config: dict) -> None:
    """Writes the options of a run, replacing the file when all is written.

    Args:
        directory: A run directory.
        config: The options by name.
    """
    temporary = directory / "config.json.part"
    temporary.write_text(json.dumps(config, indent=2) + "\n")
    temporary.replace(directory / "config.json")


def load_generator(directory: Path | str, step: int = -1):
    """Builds the generator of a run and loads its weights.

    Args:
        directory: A run directory.
        step: The batch number, or -1 for the newest.

    Returns:
        The functional network.

    Raises:
        FileNotFoundError: If the directory or the number does not exist.
        ValueError: If a file is damaged or the weights do not fit.
    """
    find_snapshot(directory, step)
    config = read_config(directory)
    from model import generator as networks

    generator = networks.build_generator(
        config["preset"],
        config["widths"],
        config["use_prior"],
    )
    load_weights(generator, directory, step)
    return generator


def load_weights(generator, directory: Path | str, step: int = -1) -> None:
    """Loads the weights of a saved generator.

    Args:
        generator: A network of the same architecture.
        directory: A run directory.
        step: The batch number, or -1 for the newest.

    Raises:
        FileNotFoundError: If there is none of that number.
        ValueError: If the file is damaged or the weights do not fit.
    """
    path = Path(directory) / WEIGHTS.format(step=find_snapshot(directory, step))
    try:
        generator.load_weights(path)
    except (OSError, KeyError, ValueError) as error:
        first_line = str(error).strip().splitlines()[0]
        raise ValueError(
            f"{path}: not the weights of this network ({first_line})"
        ) from error


class Checkpoints:
    """Saves and restores the training of one run directory."""

    def __init__(self, directory: Path, gan, keep: int, is_writer: bool = True):
        """Tracks what has to survive.

        Args:
            directory: The run directory.
            gan: A `gan.MattingGAN`.
            keep: How many checkpoints stay; older ones are deleted.
            is_writer: Whether to save, or to leave that to another process.
        """
        import tensorflow as tf

        self.is_writer = is_writer
        self.directory = directory
        self.gan = gan
        self.keep = keep
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
        self.manager = self._manage()

    def save(self, step: int) -> None:
        """Saves the state after `step` batches.

        The generator comes first, then the state, then older ones are deleted: at
        any moment there is a checkpoint with both.

        Args:
            step: How many batches have been seen.
        """
        if not self.is_writer:
            return
        path = self.directory / WEIGHTS.format(step=step)
        temporary = path.with_name(f".part-{path.name}")
        with self.gan.averaged():
            self.gan.generator.save_weights(temporary)
        os.replace(temporary, path)
        self.step.assign(step)
        before = set(self.manager.checkpoints)
        self.manager.save(checkpoint_number=step)
        for old in before - set(self.manager.checkpoints):
            number = old.rsplit("-", 1)[1]
            for name in (WEIGHTS, EXPORTED):
                (self.directory / name.format(step=number)).unlink(missing_ok=True)

    def restore(self, step: int) -> int:
        """Restores a checkpoint; later ones are moved to the folder `abandoned`.

        Args:
            step: The batch number, or -1 for the newest.

        Returns:
            How many batches the state has seen.

        Raises:
            FileNotFoundError: If there is none of that number.
            ValueError: If it is damaged or does not fit the options.
        """
        import tensorflow as tf

        step = find_state(self.directory, step)
        path = self.directory / f"{STATE}-{step}"
        status = None
        try:
            status = self.state.restore(str(path))
            status.assert_consumed()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            if status:
                status.expect_partial()  # or TensorFlow goes on about it at exit
            first_line = str(error).strip().splitlines()[0]
            raise ValueError(
                f"{path}: does not fit these options or is damaged ({first_line})"
            ) from error
        if self.is_writer:
            self._abandon_after(step)
        return int(self.step.numpy())

    def _abandon_after(self, step: int) -> None:
        """Moves checkpoints of a continuation that is given up out of the way."""
        import tensorflow as tf

        later = [number for number in snapshots(self.directory) if number > step]
        for number in later:
            weights = self.directory / WEIGHTS.format(step=number)
            for path in [weights, *self.directory.glob(f"{STATE}-{number}.*")]:
                (self.directory / "abandoned").mkdir(exist_ok=True)
                path.replace(self.directory / "abandoned" / path.name)
        if later:
            kept = [
                str(self.directory / f"{STATE}-{n}") for n in states(self.directory)
            ]
            tf.compat.v1.train.update_checkpoint_state(
                str(self.directory), kept[-1], kept
            )
            self.manager = self._manage()

    def _manage(self):
        """Takes over the checkpoints that are in the directory."""
        import tensorflow as tf

        return tf.train.CheckpointManager(
            self.state,
            str(self.directory),
            max_to_keep=self.keep,
            checkpoint_name=STATE,
        )
