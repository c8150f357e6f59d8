"""A run directory: what training leaves there and how it is taken up again.

    config.json               the options that rebuild the networks
    generator-N.weights.h5    the generator after N batches, all that eval.py needs
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
    step = find_snapshot(directory, step)
    config = read_config(directory)
    from model import generator as networks

    generator = networks.build_generator(
        config["preset"], config["widths"], config["use_prior"]
    )
    path = Path(directory) / WEIGHTS.format(step=step)
    load_weights(generator, path)
    return generator


def load_weights(generator, path: Path) -> None:
    """Loads saved weights into a generator.

    Args:
        generator: The network that they were saved from.
        path: A `.weights.h5` file.

    Raises:
        ValueError: If the file is damaged or the weights do not fit.
    """
    try:
        generator.load_weights(path)
    except (OSError, KeyError, ValueError) as error:
        first_line = str(error).strip().splitlines()[0]
        raise ValueError(
            f"{path}: not the weights of this network ({first_line})"
        ) from error


class Checkpoints:
    """Saves and restores the training of one run directory."""

    def __init__(self, directory: Path, gan, keep: int):
        """Tracks what has to survive.

        Args:
            directory: The run directory.
            gan: A `gan.MattingGAN`.
            keep: How many checkpoints stay; older ones are deleted.
        """
        import tensorflow as tf

        self.directory = directory
        self.gan = gan
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self.state = tf.train.Checkpoint(
            generator=gan.generator,
            discriminator=gan.discriminator,
            generator_optimizer=gan.generator_optimizer,
            discriminator_optimizer=gan.discriminator_optimizer,
            step=self.step,
        )
        self.manager = tf.train.CheckpointManager(
            self.state, str(directory), max_to_keep=keep, checkpoint_name=STATE
        )

    def save(self, step: int) -> None:
        """Saves the state after `step` batches; the generator file comes last.

        Args:
            step: How many batches have been seen.
        """
        self.step.assign(step)
        before = set(self.manager.checkpoints)
        self.manager.save(checkpoint_number=step)
        path = self.directory / WEIGHTS.format(step=step)
        temporary = path.with_name(f".part-{path.name}")
        self.gan.generator.save_weights(temporary)
        os.replace(temporary, path)
        for old in before - set(self.manager.checkpoints):
            number = old.rsplit("-", 1)[1]
            (self.directory / WEIGHTS.format(step=number)).unlink(missing_ok=True)

    def restore(self, step: int) -> int:
        """Restores a checkpoint, the whole state if it is there.

        Args:
            step: The batch number, or -1 for the newest.

        Returns:
            How many batches the state has seen; 0 if only the generator's
            weights were there, which training then starts from.

        Raises:
            FileNotFoundError: If there is none of that number.
            ValueError: If it is damaged or does not fit the options.
        """
        import tensorflow as tf

        step = find_snapshot(self.directory, step)
        path = self.directory / f"{STATE}-{step}"
        if not path.with_name(f"{path.name}.index").exists():
            load_weights(self.gan.generator, self.directory / WEIGHTS.format(step=step))
            return 0
        try:
            self.state.restore(str(path)).assert_consumed()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            first_line = str(error).strip().splitlines()[0]
            raise ValueError(
                f"{path}: does not fit these options or is damaged ({first_line})"
            ) from error
        return int(self.step.numpy())
