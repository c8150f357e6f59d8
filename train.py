"""Trains the generator, and the discriminator with it, on a data directory.

    python train.py scripts/data --logdir log/run

In comes what scripts/combine.py made; out go checkpoints, history.csv and
TensorBoard files in the log directory. Three phases follow each other: the
generator alone, the discriminator alone, both against each other. Any run that
ended, for whatever reason, goes on with --checkpoint -1 and the same options.
"""

import argparse
import math
import sys
import tempfile
from pathlib import Path

from model import __version__, checkpoint, engine, lock, saving, storage


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line; every option and default stands here only."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
    parser.add_argument("--batch_size", type=int, default=8, help="crops in a batch")
    parser.add_argument("--crop", type=int, default=256, help="side of a crop, pixels")
    parser.add_argument("--workers", type=int, default=2, help="crops made at a time")
    parser.add_argument(
        "--reuse",
        type=int,
        help="how often each crop is used, turned, mirrored and recoloured "
        "(matting: 4; paper2018: 1)",
    )
    parser.add_argument("--seed", type=int, default=0)
    # networks
    parser.add_argument("--preset", default="matting", choices=["matting", "paper2018"])
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
        default=Path(__file__).parent / "log/efficientnet-lite0/encoder.npz",
        help="pretrained weights that matting starts from",
    )
    parser.add_argument(
        "--discriminator-layers",
        type=int,
        default=2,
        choices=[1, 2, 3],
        help="patches of 16, 34 or 70 pixels",
    )
    # optimisation
    parser.add_argument(
        "--gen_epoch", type=float, default=40, help="epochs of the generator alone"
    )
    parser.add_argument(
        "--disc_epoch", type=float, default=0, help="epochs of the discriminator alone"
    )
    parser.add_argument(
        "--adv_epoch", type=float, default=0, help="epochs of both against each other"
    )
    parser.add_argument("--steps", type=int, help="stop after so many batches")
    parser.add_argument(
        "--lr",
        type=float,
        help="learning rate (matting: 1e-3 with Adam; paper2018: 1 with ADADELTA)",
    )
    parser.add_argument(
        "--disc_lr", type=float, default=1e-4, help="the discriminator's learning rate"
    )
    parser.add_argument(
        "--schedule",
        choices=["cosine", "trapezoid", "constant"],
        help="of the learning rate (matting: trapezoid, which falls in the last "
        "quarter, so that a run can be prolonged from before; paper2018: constant)",
    )
    parser.add_argument(
        "--d_coeff", type=float, default=0.01, help="weight of the adversarial loss"
    )
    parser.add_argument(
        "--average",
        type=float,
        help="momentum of the moving average of the weights, which is what is "
        "validated and shipped (matting: 0.998; paper2018: 0, which is none)",
    )
    parser.add_argument(
        "--jit", action="store_true", help="compile by XLA: slower on processors"
    )
    parser.add_argument(
        "--precision",
        default="float32",
        choices=["float32", "mixed_float16", "mixed_bfloat16"],
        help="mixed: half as many bits within the networks, for GPUs",
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
    parser.add_argument("--logdir", type=Path, default=Path("log/run"))
    parser.add_argument(
        "--checkpoint",
        type=checkpoint.parse_step,
        metavar="N",
        help="resume from batch N, -1 for the newest, or best",
    )
    parser.add_argument(
        "--init", type=Path, help="start from the newest generator of another run"
    )
    parser.add_argument("--save-every", type=int, default=100, help="batches")
    parser.add_argument(
        "--keep", type=int, default=5, help="checkpoints that stay, beside the best"
    )
    parser.add_argument("--validate-every", type=int, default=500, help="batches")
    parser.add_argument("--validation-images", type=int, default=16)
    parser.add_argument(
        "--patience", type=int, help="stop after N validations without a better one"
    )
    told = parser.add_mutually_exclusive_group()
    told.add_argument(
        "-v", "--verbose", action="store_true", help="tell the options too"
    )
    told.add_argument(
        "-q", "--quiet", action="store_true", help="no progress, errors only"
    )
    options = parser.parse_args(arguments)
    is_paper = options.preset == "paper2018"
    options.use_prior &= not is_paper
    if options.lr is None:
        options.lr = 1.0 if is_paper else 1e-3
    if options.reuse is None:
        options.reuse = 1 if is_paper else 4
    if options.average is None:
        options.average = 0.0 if is_paper else 0.998
    options.schedule = options.schedule or ("constant" if is_paper else "trapezoid")
    return options


def check_options(options: argparse.Namespace) -> None:
    """Refuses what cannot work before anything slow begins."""
    if isinstance(options.data, storage.Address) and not options.stored:
        raise ValueError(
            f"{options.data}: cut-outs are read from local folders only; "
            "add --stored, or mount it"
        )
    if not options.data.is_dir():
        raise FileNotFoundError(
            f"{options.data}: no such directory; run scripts/combine.py first"
        )
    if options.crop < 64 or options.crop % 32:
        raise ValueError(
            f"--crop: got {options.crop}; give a multiple of 32 from 64 on"
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
        if value is not None and value < low:
            raise ValueError(f"--{flag}: got {value}; give {low} or more")
    for flag in ("lr", "disc_lr"):
        rate = getattr(options, flag)
        if not rate > 0:
            raise ValueError(f"--{flag}: got {rate}; give more than 0")
    if not 0 <= options.average < 1:
        raise ValueError(f"--average: got {options.average}; give 0 or more, below 1")
    if options.checkpoint is not None:
        checkpoint.find_state(options.logdir, options.checkpoint)
    elif checkpoint.snapshots(options.logdir) or checkpoint.states(options.logdir):
        raise ValueError(
            f"{options.logdir}: holds a run already; resume it with --checkpoint -1 or "
            "give another --logdir"
        )
    if options.init:
        checkpoint.find_snapshot(options.init)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_args(arguments)
    try:
        check_options(options)
        return train(options)
    except (OSError, ValueError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 1 if isinstance(error, ConnectionError) else 2
    except saving.SaveError as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("train.py: interrupted", file=sys.stderr)
        return 130


def train(options: argparse.Namespace) -> int:
    """Joins the other workers, and trains; gives the exit code."""
    engine.load_tensorflow()
    from model import cluster

    workers = cluster.join(
        options.strategy, options.batch_size, options.jit, options.quiet
    )
    if not workers.is_chief:
        return train_with(workers, options)
    with lock.hold(options.logdir / "history.csv", "--logdir"):
        return train_with(workers, options)


def train_with(workers, options: argparse.Namespace) -> int:
    """Prepares everything, restores what there is, and trains; gives the exit code."""
    import keras

    from model import (
        dataset,
        history,
        plan,
        provenance,
        stock,
        training,
        validation,
    )

    keras.config.set_dtype_policy(options.precision)
    keras.utils.set_random_seed(options.seed)
    composites = dataset.Composites(options.data, "train")
    source = composites if options.stored else stock.Layers(options.data, "train")
    epoch = max(1, len(composites.names) // options.batch_size)
    epochs = (options.gen_epoch, options.disc_epoch, options.adv_epoch)
    phases = plan.Plan(*(math.ceil(length * epoch) for length in epochs))
    with workers.strategy.scope():
        gan = build_gan(options)
    checkpoints = saving.Checkpoints(
        options.logdir, gan, options.keep, is_writer=workers.is_chief
    )
    config = provenance.collect(vars(options), phases, gan.generator)
    first = take_up(options, checkpoints, config)
    if not workers.agreed(first):
        raise ValueError(
            f"{options.logdir}: the workers have seen different numbers of batches, "
            f"this one {first}; give them one --logdir that all of them see"
        )
    total = sum(phases)
    last = total if options.steps is None else min(total, first + options.steps)
    if first >= last:
        raise ValueError(
            f"{options.logdir}: has seen {first} batches of the {total} planned; "
            "raise --gen_epoch or --adv_epoch to go on"
        )
    if workers.is_chief:
        provenance.write_config(options.logdir, config, first)
    if options.verbose:
        for name, value in config.items():
            print(f"{name}: {value}", file=sys.stderr)
    pairs = read_validation(options) if workers.is_chief else []
    with tempfile.TemporaryDirectory() as unread:  # what others than the chief write
        logdir = options.logdir if workers.is_chief else Path(unread)
        diary = history.History(logdir, first)
        checkpoints.mark_best(diary.best)
        if options.patience and diary.stale >= options.patience:
            raise ValueError(
                f"{options.logdir}: {diary.stale} validations in a row were no better; "
                "raise --patience to go on"
            )
        run = training.Training(
            gan=gan,
            cluster=workers,
            batch_size=options.batch_size,
            plan=phases,
            highest_rate=options.lr,
            schedule=options.schedule,
            checkpoints=checkpoints,
            history=diary,
            validation=validation.Validation(
                gan, pairs, diary, is_alone=workers.workers > 1
            ),
            save_every=options.save_every,
            validate_every=options.validate_every,
            patience=options.patience,
            is_quiet=options.quiet or not workers.is_chief,
        )
        batches = stream(options, workers, source, first, last)
        return follow(options.logdir, run, batches, first, last)


def stream(options: argparse.Namespace, workers, source, first: int, last: int):
    """Streams the batches from `first` on, up to `last`, as the options say."""
    from model import feed

    return feed.stream(
        workers,
        source,
        data=options.data,
        stored=options.stored,
        address=options.data_service,
        first=first,
        last=last,
        batch_size=options.batch_size,
        threads=options.workers,
        seed=options.seed,
        size=options.crop,
        use_prior=options.use_prior,
        reuse=options.reuse,
    )


def take_up(options: argparse.Namespace, checkpoints, config: dict) -> int:
    """Loads what the run begins with; gives the number of batches it has seen."""
    from model import encoder, provenance

    first = 0
    if options.checkpoint is not None:
        provenance.check_config(options.logdir, config)
        first, fault = saving.find_whole(options.logdir, options.checkpoint)
        if fault:
            print(f"{fault}; going on after {first} batches", file=sys.stderr)
        checkpoints.restore(first)
        if not options.quiet:
            print(f"resumed after {first} batches", file=sys.stderr)
    elif options.init:
        checkpoint.load_weights(checkpoints.gan.generator, options.init)
    elif options.preset == "matting":
        encoder.load_pretrained(checkpoints.gan.generator, options.encoder)
    return first


def follow(logdir: Path, run, batches, first: int, last: int) -> int:
    """Trains on a stream of batches and says how it ended; gives the exit code."""
    import tensorflow as tf

    from model import training

    code = 0
    try:
        try:
            run.run(batches, first, last)
        except training.Stop as stop:
            print(f"train.py: {stop}", file=sys.stderr)
            code = stop.exit_code
        run.history.close()
        run.cluster.total(0)  # nobody leaves before the chief has saved
    except (saving.SaveError, tf.errors.OpError, OSError, RuntimeError) as error:
        saved = tell_saved(logdir) if run.cluster.is_chief else ""
        print(f"train.py: {run.cluster.explain(error)}{saved}", file=sys.stderr)
        return 1
    return code


def tell_saved(logdir: Path) -> str:
    """Says where a run that was stopped can go on, if it can."""
    steps = checkpoint.states(logdir)
    where = f"batch {steps[-1]}; resume with --checkpoint -1" if steps else ""
    return where and f"; the last state is saved, that of {where}"


def build_gan(options: argparse.Namespace):
    """Builds both networks and their optimisers from the options."""
    import keras

    from model import discriminator, encoder, gan, generator
    from model.optimizer import GentleAdam

    is_paper = options.preset == "paper2018"
    settings = {"use_ema": options.average > 0, "ema_momentum": options.average}
    if is_paper:
        optimizer = keras.optimizers.Adadelta(options.lr, **settings)
    else:
        optimizer = GentleAdam(
            options.lr, global_clipnorm=1.0, gentle=encoder.TRAINED, **settings
        )
    return gan.MattingGAN(
        generator=generator.build_generator(
            options.preset, options.widths, options.use_prior
        ),
        discriminator=discriminator.build_discriminator(
            strided_layers=options.discriminator_layers
        ),
        generator_optimizer=optimizer,
        discriminator_optimizer=keras.optimizers.Adam(options.disc_lr, beta_1=0.5),
        d_coeff=options.d_coeff,
        use_rgba_loss=is_paper,
        jit_compile=options.jit,
    )


def read_validation(options: argparse.Namespace) -> list[dict]:
    """Reads the fixed validation pairs; none if the data has no such split."""
    from model import dataset

    try:
        composites = dataset.Composites(options.data, "val")
    except FileNotFoundError:
        print("no validation split: training goes without", file=sys.stderr)
        return []
    return list(dataset.validation_pairs(composites, options.validation_images))


if __name__ == "__main__":
    sys.exit(main())
