"""Trains the generator, and the discriminator with it, on a data directory.

    python train.py scripts/data --logdir log/run

In comes what scripts/combine.py made; out go checkpoints, history.csv and
TensorBoard files in the log directory. Three phases follow each other: the
generator alone, the discriminator alone, both against each other. Any run that
ended, for whatever reason, goes on with --checkpoint -1 and the same options.
"""

import argparse
import json
import math
import signal
import sys
from pathlib import Path
from typing import NamedTuple

from model import checkpoint, engine

ADVERSARIAL_RATE = 0.2  # learning rate of the later phases, as a share of --lr
FINAL_RATE = 0.01  # share of the learning rate at the end of a cosine


class Plan(NamedTuple):
    """How many batches each phase has."""

    generator: int
    discriminator: int
    adversarial: int

    def phase(self, step: int) -> str:
        """Names the phase of batch number `step`."""
        if step < self.generator:
            return "generator"
        if step < self.generator + self.discriminator:
            return "discriminator"
        return "adversarial"

    def progress(self, step: int) -> float:
        """Gives the share of its phase that batch number `step` starts at."""
        start = 0
        for length in self:
            if step < start + length:
                return (step - start) / length
            start += length
        return 1.0


class Stop(Exception):
    """Ends the loop in an orderly way: a signal, or losses that are not finite."""

    def __init__(self, message: str, exit_code: int):
        super().__init__(message)
        self.exit_code = exit_code


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line; every option and default stands here only."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="directory made by scripts/combine.py")
    # data
    parser.add_argument(
        "--stored",
        action="store_true",
        help="train on the stored composites instead of new ones",
    )
    parser.add_argument("--batch_size", type=int, default=8, help="crops in a batch")
    parser.add_argument("--crop", type=int, default=256, help="side of a crop, pixels")
    parser.add_argument("--workers", type=int, default=2, help="crops made at a time")
    parser.add_argument("--seed", type=int, default=0)
    # networks
    parser.add_argument("--preset", default="matting", choices=["matting", "paper2018"])
    parser.add_argument("--widths", type=int, nargs="+", help="channels per level")
    parser.add_argument(
        "--no-prior",
        dest="use_prior",
        action="store_false",
        help="no closed-form first guess",
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
        "--schedule",
        choices=["cosine", "constant"],
        help="of the learning rate (matting: cosine; paper2018: constant)",
    )
    parser.add_argument(
        "--d_coeff", type=float, default=0.01, help="weight of the adversarial loss"
    )
    parser.add_argument(
        "--no-jit", dest="jit", action="store_false", help="do without XLA"
    )
    # run
    parser.add_argument("--logdir", type=Path, default=Path("log/run"))
    parser.add_argument(
        "--checkpoint", type=int, help="resume from batch N, or -1 for the newest"
    )
    parser.add_argument("--save-every", type=int, default=100, help="batches")
    parser.add_argument("--keep", type=int, default=5, help="checkpoints that stay")
    parser.add_argument("--validate-every", type=int, default=500, help="batches")
    parser.add_argument("--validation-images", type=int, default=16)
    options = parser.parse_args(arguments)
    if options.preset == "paper2018":
        options.use_prior = False
    is_paper = options.preset == "paper2018"
    options.lr = options.lr or (1.0 if is_paper else 1e-3)
    options.schedule = options.schedule or ("constant" if is_paper else "cosine")
    return options


def check_options(options: argparse.Namespace) -> None:
    """Refuses what cannot work before anything slow begins."""
    if not options.data.is_dir():
        raise FileNotFoundError(
            f"{options.data}: no such directory; run scripts/combine.py first"
        )
    if options.crop < 64 or options.crop % 32:
        raise ValueError(
            f"--crop: got {options.crop}; give a multiple of 32 from 64 on"
        )
    for name in ("batch_size", "workers", "save_every", "keep", "validate_every"):
        if getattr(options, name) < 1:
            raise ValueError(f"--{name}: got {getattr(options, name)}; give 1 or more")
    if options.checkpoint is None:
        if checkpoint.snapshots(options.logdir):
            raise ValueError(
                f"{options.logdir}: holds a run already; resume it with "
                "--checkpoint -1 or give another --logdir"
            )
    else:
        checkpoint.find_snapshot(options.logdir, options.checkpoint)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_args(arguments)
    try:
        check_options(options)
        train(options)
    except Stop as stop:
        print(f"train.py: {stop}", file=sys.stderr)
        return stop.exit_code
    except (OSError, ValueError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2
    return 0


def train(options: argparse.Namespace) -> None:
    """Prepares everything, restores what there is, and runs the loop."""
    engine.load_tensorflow()
    import keras
    import tensorflow as tf

    from model import dataset, history

    keras.utils.set_random_seed(options.seed)
    composites = dataset.Composites(options.data, "train")
    source = composites if options.stored else dataset.Layers(options.data, "train")
    epoch = max(1, len(composites.names) // options.batch_size)
    epochs = (options.gen_epoch, options.disc_epoch, options.adv_epoch)
    plan = Plan(*(math.ceil(length * epoch) for length in epochs))

    with tf.distribute.get_strategy().scope():
        gan = build_gan(options)
    options.logdir.mkdir(parents=True, exist_ok=True)
    checkpoints = checkpoint.Checkpoints(options.logdir, gan, options.keep)
    first = 0
    if options.checkpoint is not None:
        first = checkpoints.restore(options.checkpoint)
        print(f"resumed after {first} batches", file=sys.stderr)
    last = sum(plan) if options.steps is None else min(sum(plan), first + options.steps)
    write_config(options, plan)
    validation = list(
        dataset.validation_pairs(
            dataset.Composites(options.data, "val"), options.validation_images
        )
    )
    batches = dataset.batches(
        source,
        seed=options.seed,
        first=first,
        steps=last - first,
        batch_size=options.batch_size,
        size=options.crop,
        workers=options.workers,
        use_prior=options.use_prior,
    )
    diary = history.History(options.logdir, first)
    try:
        run(options, plan, gan, checkpoints, batches, validation, diary, first, last)
    finally:
        diary.close()


def build_gan(options: argparse.Namespace):
    """Builds both networks and their optimisers from the options."""
    import keras

    from model import discriminator, gan, generator

    is_paper = options.preset == "paper2018"
    make = keras.optimizers.Adadelta if is_paper else keras.optimizers.Adam
    settings = {} if is_paper else {"global_clipnorm": 1.0}
    return gan.MattingGAN(
        generator=generator.build_generator(
            options.preset, options.widths, options.use_prior
        ),
        discriminator=discriminator.build_discriminator(
            strided_layers=options.discriminator_layers
        ),
        generator_optimizer=make(options.lr, **settings),
        discriminator_optimizer=keras.optimizers.Adam(1e-4, beta_1=0.5),
        d_coeff=options.d_coeff,
        use_rgba_loss=is_paper,
        jit_compile=options.jit,
    )


def write_config(options: argparse.Namespace, plan: Plan) -> None:
    """Saves the options beside the weights, for whoever rebuilds the networks."""
    import keras
    import tensorflow as tf

    config = {name: value for name, value in vars(options).items()}
    config |= {
        "data": str(options.data),
        "logdir": str(options.logdir),
        "widths": options.widths and list(options.widths),
        "plan": plan._asdict(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
    path = options.logdir / "config.json"
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(config, indent=2) + "\n")
    temporary.replace(path)


def run(options, plan, gan, checkpoints, batches, validation, diary, first, last):
    """Takes step after step, saves, validates, and always leaves a checkpoint."""
    from tqdm import tqdm

    received = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: received.append(number))
    step = saved = first
    bar = tqdm(total=last, initial=first, unit="batch", disable=not sys.stderr.isatty())
    try:
        for batch in batches:
            phase = plan.phase(step)
            set_learning_rate(options, plan, gan, step)
            diary.collect(take_step(gan, batch, phase, step), options.batch_size)
            step += 1
            bar.update()
            if step % options.save_every == 0 or step == last:
                checkpoints.save(step)
                saved = step
                values = {"learning_rate": float(gan.generator_optimizer.learning_rate)}
                if step % options.validate_every == 0 or step == last:
                    values |= validate(gan.generator, validation, diary, step)
                report(bar, step, last, phase, diary.write(step, phase, values))
            if received:
                name = signal.Signals(received[0]).name
                message = f"{name} after batch {step}; resume with --checkpoint -1"
                raise Stop(message, 128 + received[0])
    finally:
        if step > saved:
            checkpoints.save(step)
        bar.close()


def set_learning_rate(options, plan: Plan, gan, step: int) -> None:
    """Sets the generator's learning rate for one batch."""
    rate = options.lr
    if plan.phase(step) == "adversarial":
        rate *= ADVERSARIAL_RATE
    if options.schedule == "cosine":
        wave = (1 + math.cos(math.pi * plan.progress(step))) / 2
        rate *= FINAL_RATE + (1 - FINAL_RATE) * wave
    gan.generator_optimizer.learning_rate.assign(rate)


def take_step(gan, batch, phase: str, step: int) -> dict[str, float]:
    """Trains on one batch, unless its losses or gradients are not finite."""
    statistics = [v.numpy() for v in gan.generator.non_trainable_variables]
    values, gradients = gan.compute(batch, phase)
    values = {name: float(value) for name, value in values.items()}
    if not all(math.isfinite(value) for value in values.values()):
        for variable, value in zip(
            gan.generator.non_trainable_variables, statistics, strict=True
        ):
            variable.assign(value)
        shown = ", ".join(f"{name} {value:.3g}" for name, value in values.items())
        raise Stop(
            f"batch {step}: not finite ({shown}); the state before it is saved, resume "
            "with a lower --lr",
            exit_code=1,
        )
    gan.apply(gradients)
    return values


def validate(generator, pairs: list[dict], diary, step: int) -> dict[str, float]:
    """Measures the generator on the fixed validation pairs."""
    import numpy as np

    from model import metrics
    from model.predict import predict

    rows = []
    for number, pair in enumerate(pairs):
        matte = predict(generator, pair["image"], pair["trimap"])
        is_mixed = (pair["alpha"] > 0) & (pair["alpha"] < 1)
        difference = np.abs(matte.foreground - pair["foreground"])[is_mixed]
        rows.append(
            (
                metrics.sad(pair["alpha"], matte.alpha, pair["trimap"]),
                metrics.mse(pair["alpha"], matte.alpha, pair["trimap"]),
                difference.mean() if difference.size else 0.0,
            )
        )
        if number < 4:
            diary.show(step, pair["name"], pair, matte.alpha)
    means = np.mean(rows, axis=0)
    return dict(
        zip(("val_sad", "val_mse", "val_foreground"), map(float, means), strict=True)
    )


def report(bar, step: int, last: int, phase: str, values: dict[str, float]) -> None:
    """Shows the state of the run beside the bar, or as a line without a terminal."""
    shown = {
        name: f"{value:.4g}"
        for name, value in values.items()
        if name.endswith("loss") or name.startswith("val") or "samples" in name
    }
    if bar.disable:
        text = "  ".join(f"{name} {value}" for name, value in shown.items())
        print(f"{step}/{last} {phase}  {text}", file=sys.stderr, flush=True)
    else:
        bar.set_postfix(shown)


if __name__ == "__main__":
    sys.exit(main())
