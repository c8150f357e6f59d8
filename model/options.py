"""What train.py can be told: its options, their defaults and bounds."""

import argparse
import csv
import math
from pathlib import Path

from model import __version__, checkpoint, dispatcher, plan, storage

PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")  # policies of Keras
MOST_EPOCHS = 1e6
LARGEST_SEED = 2**32 - 1  # of NumPy's older generators, which Keras sets


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line; every option and default stands here only.

    Args:
        arguments: Of the command line; those of the process if None.

    Returns:
        The options, those that depend on the preset filled in.
    """
    parser = argparse.ArgumentParser(
        description="Trains the generator, and the discriminator with it, on a data "
        "directory."
    )
    parser.add_argument(
        "--version", action="version", version=f"train.py {__version__}"
    )
    parser.add_argument(
        "data",
        type=storage.locate,
        help="directory made by scripts/combine.py; with --stored also gs://... and "
        "all that TensorFlow can read",
    )
    # data
    parser.add_argument(
        "--stored",
        action="store_true",
        help="train on the stored composites instead of new ones",
    )
    parser.add_argument(
        "--batch_size",
        type=int,
        default=8,
        help="crops in a batch (default: %(default)s)",
    )
    parser.add_argument(
        "--crop",
        type=int,
        help="side of a crop, pixels (default: 256; fast: 384)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=2,
        help="crops made at a time (default: %(default)s)",
    )
    parser.add_argument(
        "--reuse",
        type=int,
        help="how often each crop is used, turned, mirrored and recoloured "
        "(4; paper2018: 1)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="of weights and crops (default: %(default)s)",
    )
    # networks
    parser.add_argument(
        "--preset",
        default="matting",
        choices=["matting", "fast", "paper2018"],
        help="networks, and the losses that go with them (default: %(default)s)",
    )
    parser.add_argument("--widths", type=int, nargs="+", help="channels per level")
    parser.add_argument(
        "--no-prior",
        dest="use_prior",
        action="store_false",
        help="no classical first guess at alpha",
    )
    parser.add_argument(
        "--encoder",
        type=Path,
        default=Path(__file__).parents[1] / "log/efficientnet-lite0/encoder.npz",
        help="pretrained weights that matting and fast start from (default: "
        "log/efficientnet-lite0/encoder.npz)",
    )
    parser.add_argument(
        "--discriminator-layers",
        type=int,
        default=2,
        choices=[1, 2, 3],
        help="patches of 16, 34 or 70 pixels (default: %(default)s)",
    )
    # optimisation
    parser.add_argument(
        "--gen_epoch",
        type=float,
        default=40,
        help="epochs of the generator alone, each of as many batches as there are "
        "stored composites over --batch_size (default: %(default)s)",
    )
    parser.add_argument(
        "--disc_epoch",
        type=float,
        default=0,
        help="epochs of the discriminator alone (default: %(default)s)",
    )
    parser.add_argument(
        "--adv_epoch",
        type=float,
        default=0,
        help="epochs of both against each other (default: %(default)s)",
    )
    parser.add_argument("--steps", type=int, help="stop after so many batches")
    parser.add_argument(
        "--lr",
        type=float,
        help="learning rate, reached after 200 batches; a fifth of it in the "
        "adversarial phase (1e-3 with Adam; paper2018: 1 with ADADELTA)",
    )
    parser.add_argument(
        "--disc_lr",
        type=float,
        default=1e-4,
        help="the discriminator's learning rate (default: %(default)s)",
    )
    parser.add_argument(
        "--schedule",
        choices=plan.SCHEDULES,
        help="of the learning rate (trapezoid, which falls in the last "
        "quarter, so that a run can be prolonged from before; paper2018: constant)",
    )
    parser.add_argument(
        "--d_coeff",
        type=float,
        default=0.01,
        help="weight of the adversarial loss (default: %(default)s)",
    )
    parser.add_argument(
        "--average",
        type=float,
        help="momentum of the moving average of the weights, which is what is "
        "validated and shipped (0.998; paper2018: 0, which is none)",
    )
    parser.add_argument(
        "--jit", action="store_true", help="compile by XLA: slower on processors"
    )
    parser.add_argument(
        "--precision",
        default="float32",
        choices=PRECISIONS,
        help="mixed: half as many bits within the networks; float16 for GPUs, bfloat16 "
        "for processors that have it (AVX512_BF16), too (default: %(default)s)",
    )
    # machines
    parser.add_argument(
        "--strategy",
        default="auto",
        choices=["auto", "none", "mirrored", "multiworker"],
        help="several GPUs, or the processes that TF_CONFIG lists (default: what there "
        "is); --batch_size is that of all together",
    )
    parser.add_argument(
        "--data-service",
        metavar="HOST:PORT",
        help="take crops from the workers of scripts/serve_input.py instead of making "
        "them here",
    )
    # run
    parser.add_argument(
        "--logdir",
        type=Path,
        default=Path("log/run"),
        help="folder of the run (default: %(default)s)",
    )
    parser.add_argument(
        "--checkpoint",
        type=checkpoint.parse_step,
        metavar="N",
        help="resume from batch N, -1 for the newest, or best; later ones move to "
        "LOGDIR/abandoned",
    )
    parser.add_argument(
        "--init", type=Path, help="start from the newest generator of another run"
    )
    parser.add_argument(
        "--save-every",
        type=int,
        default=100,
        help="batches between checkpoints (default: %(default)s)",
    )
    parser.add_argument(
        "--keep",
        type=int,
        default=5,
        help="checkpoints that stay, beside the best (default: %(default)s)",
    )
    parser.add_argument(
        "--validate-every",
        type=int,
        default=500,
        help="batches between validations (default: %(default)s)",
    )
    parser.add_argument(
        "--validation-images",
        type=int,
        default=16,
        help="composites to validate on (default: %(default)s)",
    )
    parser.add_argument(
        "--patience", type=int, help="stop after N validations without a better one"
    )
    told = parser.add_mutually_exclusive_group()
    told.add_argument(
        "-v", "--verbose", action="store_true", help="tell the options too"
    )
    told.add_argument(
        "-q",
        "--quiet",
        action="store_true",
        help="no progress, errors and warnings only",
    )
    options = parser.parse_args(arguments)
    is_paper = options.preset == "paper2018"
    options.use_prior &= not is_paper
    options.is_fine = options.preset != "fast"  # its first guess
    if options.crop is None:
        options.crop = 256 if options.is_fine else 384
    if options.lr is None:
        options.lr = 1.0 if is_paper else 1e-3
    if options.reuse is None:
        options.reuse = 1 if is_paper else 4
    if options.average is None:
        options.average = 0.0 if is_paper else 0.998
    options.schedule = options.schedule or ("constant" if is_paper else "trapezoid")
    return options


def check_options(options: argparse.Namespace) -> None:
    """Refuses what cannot work before anything slow begins.

    Args:
        options: As `parse_args` gives them.

    Raises:
        ConnectionError: If no dispatcher of input workers answers.
        FileNotFoundError: If there is no such data, run or checkpoint.
        ValueError: If a value is out of range, or two do not go together.
    """
    if isinstance(options.data, storage.Address) and not options.stored:
        raise ValueError(
            f"{options.data}: cut-outs are read from local folders only; "
            "add --stored, or mount it"
        )
    if not options.data.is_dir():
        raise FileNotFoundError(
            f"{options.data}: no such directory; run scripts/combine.py first"
        )
    check_numbers(options)
    if options.checkpoint is not None:
        checkpoint.find_state(options.logdir, options.checkpoint)
    elif checkpoint.snapshots(options.logdir) or checkpoint.states(options.logdir):
        raise ValueError(
            f"{options.logdir}: holds a run already; resume it with --checkpoint -1 or "
            "give another --logdir"
        )
    elif count_rows(options.logdir / "history.csv") > 1:
        raise ValueError(
            f"{options.logdir}: holds the history of a run without its checkpoints; "
            "put them back or give another --logdir"
        )
    if options.init:
        checkpoint.find_snapshot(options.init)
    if options.data_service:
        dispatcher.find(options.data_service, "--data-service")


def check_numbers(options: argparse.Namespace) -> None:
    """Refuses numbers out of range, with the option that they belong to.

    Args:
        options: As `parse_args` gives them.

    Raises:
        ValueError: If there is one.
    """
    multiple = 32 if options.is_fine else 64
    if options.crop < 64 or options.crop % multiple:
        raise ValueError(
            f"--crop: got {options.crop}; give a multiple of {multiple} from 64 on"
        )
    least = dict.fromkeys(
        (
            "batch_size",
            "workers",
            "reuse",
            "save-every",
            "keep",
            "validate-every",
            "steps",
            "patience",
        ),
        1,
    ) | dict.fromkeys(
        ("validation-images", "gen_epoch", "disc_epoch", "adv_epoch", "d_coeff"), 0
    )
    for flag, low in least.items():
        value = getattr(options, flag.replace("-", "_"))
        if value is not None and not low <= value < math.inf:
            raise ValueError(f"--{flag}: got {value}; give {low} or more")
    for flag in ("gen_epoch", "disc_epoch", "adv_epoch"):
        if getattr(options, flag) > MOST_EPOCHS:
            raise ValueError(
                f"--{flag}: got {getattr(options, flag)}; give {MOST_EPOCHS:.0f} or "
                "less"
            )
    if not 0 <= options.seed <= LARGEST_SEED:
        raise ValueError(f"--seed: got {options.seed}; give 0 to {LARGEST_SEED}")
    if min(options.widths or [1]) < 1:
        shown = " ".join(map(str, options.widths))
        raise ValueError(f"--widths: got {shown}; give 1 or more for each level")
    if options.patience and not options.validation_images:
        raise ValueError("--patience: nothing is validated with --validation-images 0")
    for flag in ("lr", "disc_lr"):
        rate = getattr(options, flag)
        if not 0 < rate < math.inf:
            raise ValueError(f"--{flag}: got {rate}; give more than 0")
    if not 0 <= options.average < 1:
        raise ValueError(f"--average: got {options.average}; give 0 or more, below 1")


def count_rows(path: Path) -> int:
    """Counts the rows of a CSV file below its header; 0 if there is none."""
    if not path.is_file():
        return 0
    with path.open(newline="", errors="replace") as file:
        return max(0, sum(1 for _ in csv.reader(file)) - 1)
