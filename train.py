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

from model import checkpoint, engine, lock, matting, saving
from model.options import check_options, parse_args


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
    import tensorflow as tf

    try:
        if not workers.is_chief:
            return train_with(workers, options)
        with lock.hold(options.logdir / "history.csv", "--logdir"):
            return train_with(workers, options)
    except tf.errors.OpError as error:  # before the first batch
        raise OSError(engine.explain(error)) from error


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
    pairs = read_validation(options) if workers.is_chief else []
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
    if options.verbose:
        for name, value in config.items():
            print(f"{name}: {value}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as unread:  # what others than the chief write
        logdir = options.logdir if workers.is_chief else Path(unread)
        diary = history.History(logdir, first)
        if options.patience and diary.stale >= options.patience:
            raise ValueError(
                f"{options.logdir}: {diary.stale} validations in a row were no better; "
                "raise --patience to go on"
            )
        # up to here nothing of an earlier run has changed
        if options.checkpoint is not None:
            checkpoints.go_on_from(first)
        if workers.is_chief:
            provenance.write_config(options.logdir, config, first)
        diary.begin()
        checkpoints.mark_best(diary.best)
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
                gan, pairs, diary, has_others=workers.workers > 1
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
        is_fine=options.is_fine,
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
    elif options.preset != "paper2018":
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
            options.lr, global_clipnorm=1.0, gentle=encoder.PRETRAINED, **settings
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
    from model.composites import NoComposites

    try:
        composites = dataset.Composites(options.data, "val")
    except NoComposites:
        if options.patience:
            raise ValueError(
                f"--patience: {options.data} has no validation split; leave it out, or "
                "make one with scripts/combine.py --val-fraction"
            ) from None
        print("no validation split: training goes without", file=sys.stderr)
        return []
    pairs = []
    for pair in dataset.validation_pairs(composites, options.validation_images):
        if (pair["trimap"] == matting.UNKNOWN).any():
            pairs.append(pair)
        else:
            print(
                f"{composites.directory}: {pair['name']} has no unknown pixel; "
                "validation goes without it",
                file=sys.stderr,
            )
    if options.patience and not pairs:
        raise ValueError(f"--patience: {composites.directory} has nothing to validate")
    return pairs


if __name__ == "__main__":
    sys.exit(main())
