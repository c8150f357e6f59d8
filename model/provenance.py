"""What a run was made with: options, data, code and environment, for config.json."""

import hashlib
import platform
import subprocess
import sys
from pathlib import Path

from model import __version__, checkpoint
from model.plan import Plan
from model.storage import Address

ROOT = Path(__file__).resolve().parents[1]
NAMES = (
    "layers_sha256 manifest_sha256 version commit "
    "python platform tensorflow keras numpy"
).split()
FIXED = (  # options that a resumed run must share with its beginning
    "preset widths use_prior discriminator_layers seed batch_size crop reuse stored "
    "average precision"
).split()
TOLD = ("verbose", "quiet")  # options that change nothing


def collect(options: dict, plan: Plan, generator) -> dict:
    """Gathers what a run directory tells of how it was made.

    Args:
        options: Those of train.py by name.
        plan: Batches of each phase.
        generator: As `generator.build_generator` gives it.

    Returns:
        What config.json holds, but the `starts`.
    """
    from model.generator import WIDTHS

    made_with = {
        name: str(value) if isinstance(value, Path | Address) else value
        for name, value in options.items()
        if name not in TOLD
    }
    return made_with | {
        "widths": list(options["widths"] or WIDTHS[options["preset"]]),
        "plan": plan._asdict(),
        "parameters": generator.count_params(),
        **describe(options["data"]),
    }


def write_config(logdir: Path, config: dict, first: int) -> None:
    """Writes config.json, with what each part of the run was made with.

    Args:
        logdir: The run directory.
        config: As of `collect`.
        first: Number of the first batch now.
    """
    before = checkpoint.read_config(logdir).get("starts", []) if first else []
    described = {name: config[name] for name in NAMES}
    starts = continue_starts(before, first, described)
    checkpoint.write_config(logdir, config | {"starts": starts})


def check_config(logdir: Path, config: dict) -> None:
    """Refuses to resume with options that would change networks or data.

    Args:
        logdir: The run directory.
        config: As of `collect`, now.

    Raises:
        FileNotFoundError: If the run has no config.json.
        ValueError: If an option differs, or the file is damaged.
    """
    before = checkpoint.read_config(logdir)
    for name in FIXED:
        if name in before and before[name] != config[name]:
            raise ValueError(
                f"{logdir}: made with {name} {before[name]}, got {config[name]}; "
                "resume with the same"
            )
    for name, told in (("layers_sha256", "layers"), ("manifest_sha256", "manifest")):
        if before.get(name, config[name]) != config[name]:
            print(f"{config['data']}: other {told} than before", file=sys.stderr)


def describe(data: Path | Address) -> dict[str, str]:
    """Gathers what a checkpoint can be traced back to, beside the options.

    Args:
        data: A data directory.

    Returns:
        Hashes of its list of layers and of its manifest, version and commit of this
        code, versions of Python and of the libraries, the platform.
    """
    import keras
    import numpy as np
    import tensorflow as tf

    values = (
        hash_files([data / "layers.json"]),
        hash_files(sorted(data.glob("manifest*.jsonl"))),
        __version__,
        find_commit(ROOT),
        platform.python_version(),
        platform.platform(),
        tf.__version__,
        keras.__version__,
        np.__version__,
    )
    return dict(zip(NAMES, values, strict=True))


def hash_files(paths: list[Path | Address]) -> str:
    """Gives the SHA-256 of files one after the other, those that are there.

    Args:
        paths: Files.

    Returns:
        Hexadecimal digits; nothing if there is none of them.
    """
    present = [path for path in paths if path.exists()]
    digest = hashlib.sha256()
    for path in present:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    return digest.hexdigest() if present else ""


def find_commit(root: Path) -> str:
    """Names the commit that a working tree is at.

    Args:
        root: Its topmost folder.

    Returns:
        The hash, with `+` if files were changed since; nothing if this is no working
        tree of git, or there is no git.
    """

    def ask(*arguments: str) -> str:
        line = ["git", "-C", str(root), *arguments]
        result = subprocess.run(
            line, capture_output=True, text=True, check=True, timeout=30
        )
        return result.stdout.strip()

    try:
        if Path(ask("rev-parse", "--show-toplevel")).resolve() != root.resolve():
            return ""
        changed = ask("status", "--porcelain", "--untracked-files=no")
        return ask("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return ""


def continue_starts(before: list[dict], first: int, made_with: dict) -> list[dict]:
    """Tells with what each part of a run was made.

    Args:
        before: The starts so far, each with its `first` batch.
        first: Number of the first batch now.
        made_with: As `describe` gives it, now.

    Returns:
        The starts of which batches are left, and this one.
    """
    left = [start for start in before if start["first"] < first]
    return [*left, {"first": first, **made_with}]
