"""A run directory: what training leaves there and how it is taken up again.

    config.json               the options that rebuild the networks
    generator-N.weights.h5    the generator after N batches, all that eval.py needs
    generator-N.onnx          the same for ONNX Runtime, made when first needed
    matting.ckpt-N.*          the whole training state after N batches
    best.json                 which of them was best on the validation pairs
    history.csv, validation.csv, tensorboard/   what happened

TensorFlow is imported inside the functions that need it, so that a directory
can be checked quickly.
"""

import json
import re
import warnings
from pathlib import Path

from model import engine

WEIGHTS = "generator-{step}.weights.h5"
EXPORTED = "generator-{step}.onnx"
STATE = "matting.ckpt"
BEST = "best"  # instead of a number: that of the best one
MARKER = "best.json"


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
        Their batch numbers, ascending; the index is written last, so all of it is
        there.
    """
    found = (
        re.fullmatch(re.escape(STATE) + r"-(\d+)\.index", path.name)
        for path in Path(directory).glob(f"{STATE}-*.index")
    )
    return sorted(int(match[1]) for match in found if match)


def parse_step(text: str) -> int | str:
    """Understands the number of a checkpoint on a command line.

    Args:
        text: A number, or `best`.

    Returns:
        The same as an integer, or `BEST`.

    Raises:
        ValueError: If it is neither.
    """
    return BEST if text == BEST else int(text)


parse_step.__name__ = f"number or '{BEST}'"  # as argparse names it in a complaint


def find_state(directory: Path | str, step: int | str = -1) -> int:
    """Resolves the number of a checkpoint to resume from.

    Args:
        directory: A run directory.
        step: The batch number, -1 for the newest, or `best`.

    Returns:
        The batch number.

    Raises:
        FileNotFoundError: If there is none of that number.
        ValueError: If what marks the best one is damaged.
    """
    steps = states(directory)
    if not steps:
        only = find_snapshot(directory, step)
        raise FileNotFoundError(
            f"{directory}: of batch {only} only the generator is here, no training to "
            f"resume; start from it with --init {directory} and another --logdir"
        )
    return _pick(directory, steps, step)


def find_snapshot(directory: Path | str, step: int | str = -1) -> int:
    """Resolves the number of a saved generator.

    Args:
        directory: A run directory.
        step: The batch number, -1 for the newest, or `best`.

    Returns:
        The batch number.

    Raises:
        FileNotFoundError: If there is none of that number.
        ValueError: If what marks the best one is damaged.
    """
    steps = snapshots(directory)
    if not steps:
        raise FileNotFoundError(
            f"{directory}: no checkpoint here; train one with train.py or give --logdir"
        )
    return _pick(directory, steps, step)


def _pick(directory: Path | str, steps: list[int], step: int | str) -> int:
    """Takes the newest for -1; names those there are if the wanted one is not."""
    if step == -1:
        return steps[-1]
    if step == BEST:
        step = read_best(directory)
    if step not in steps:
        raise FileNotFoundError(
            f"{directory}: no checkpoint {step}; there are "
            f"{', '.join(map(str, steps))} (or -1 for the newest)"
        )
    return step


def read_best(directory: Path | str) -> int:
    """Reads which checkpoint was best on the validation pairs.

    Args:
        directory: A run directory.

    Returns:
        Its batch number.

    Raises:
        FileNotFoundError: If none is marked.
        ValueError: If the mark is damaged.
    """
    path = Path(directory) / MARKER
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file, no checkpoint is marked as the best; give a number"
        )
    try:
        return int(json.loads(path.read_text())["step"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: damaged ({error!r}); give a number") from error


def write_best(directory: Path, step: int, val_sad: float) -> None:
    """Marks a checkpoint as the best.

    Args:
        directory: A run directory.
        step: Its batch number.
        val_sad: What was measured of it.
    """
    mark = {"step": step, "val_sad": val_sad}
    replace_text(directory / MARKER, json.dumps(mark) + "\n")


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
        if not isinstance(config["widths"], list):
            raise TypeError(f"widths: {config['widths']!r}")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: damaged ({error!r}); restore the file") from error
    return config


def write_config(directory: Path, config: dict) -> None:
    """Writes the options of a run, replacing the file when all is written.

    Args:
        directory: A run directory.
        config: The options by name.
    """
    replace_text(directory / "config.json", json.dumps(config, indent=2) + "\n")


def replace_text(path: Path, text: str) -> None:
    """Writes a file beside the old one, and replaces that when all is written.

    Args:
        path: The file.
        text: Its new content, as it is.
    """
    temporary = path.with_name(f".part-{path.name}")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load_generator(directory: Path | str, step: int | str = -1):
    """Builds the generator of a run and loads its weights.

    Args:
        directory: A run directory.
        step: The batch number, -1 for the newest, or `best`.

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


def load_weights(generator, directory: Path | str, step: int | str = -1) -> None:
    """Loads the weights of a saved generator.

    Args:
        generator: A network of the same architecture.
        directory: A run directory.
        step: The batch number, -1 for the newest, or `best`.

    Raises:
        FileNotFoundError: If there is none of that number.
        ValueError: If the file is damaged or the weights do not fit.
    """
    path = Path(directory) / WEIGHTS.format(step=find_snapshot(directory, step))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras warns of what it then raises
            generator.load_weights(path)
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(
            f"{path}: not the weights of this network ({engine.first_line(error)}); "
            "take the version that wrote them, or another checkpoint"
        ) from error
