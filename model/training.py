"""The training of one run: batches in, checkpoints and history out.

Everything that happens between two batches is here: which phase it is, the
learning rate, saving, validating, stopping in good order.
"""

import math
import signal
import sys
import time
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from model import metrics
from model.checkpoint import Checkpoints
from model.cluster import Alone, Cluster
from model.gan import MattingGAN
from model.history import History
from model.predict import predict

ADVERSARIAL_RATE = 0.2  # learning rate of the later phases, as a share of the first's
WARM_UP = 200  # batches at the start, in which the learning rate rises
SCHEDULES = ("cosine", "trapezoid", "constant")
DECAY = 0.25  # of a phase, its last part, in which a trapezoid falls
FINAL_RATE = 0.01  # share of the learning rate at the end of a phase
SHOWN_PAIRS = 4  # validation pairs that TensorBoard shows


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

    def learning_rate(self, step: int, highest: float, schedule: str) -> float:
        """Gives the generator's learning rate for one batch.

        Args:
            step: Number of the batch.
            highest: At the start of the first phase.
            schedule: One of `SCHEDULES`: what it does in each phase, after rising at
                the start.

        Returns:
            The learning rate.
        """
        rate = highest * min(1.0, (step + 1) / WARM_UP)
        if self.phase(step) == "adversarial":
            rate *= ADVERSARIAL_RATE
        if schedule == "constant":
            return rate
        progress = self.progress(step)
        if schedule == "cosine":
            share = (1 + math.cos(math.pi * progress)) / 2
        else:
            share = min(1.0, (1 - progress) / DECAY)
        return rate * (FINAL_RATE + (1 - FINAL_RATE) * share)


class Stop(Exception):
    """Ends the training in good order.

    Attributes:
        exit_code: For the program to end with.
    """

    def __init__(self, message: str, exit_code: int):
        super().__init__(message)
        self.exit_code = exit_code


class Signals:
    """Remembers SIGINT and SIGTERM until the batch is done; a second one kills."""

    def __init__(self):
        self.received: list[signal.Signals] = []

    def __enter__(self):
        self.before = {
            number: signal.signal(number, self._remember)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *_):
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _remember(self, number, _):
        self.received.append(signal.Signals(number))
        signal.signal(number, self.before[number])


class Training:
    """Takes a run from one batch to another."""

    def __init__(
        self,
        *,
        gan: MattingGAN,
        cluster: Cluster,
        batch_size: int,
        plan: Plan,
        highest_rate: float,
        schedule: str,
        checkpoints: Checkpoints,
        history: History,
        validation: list[dict],
        save_every: int,
        validate_every: int,
        is_quiet: bool = False,
    ):
        """Joins the parts.

        Args:
            gan: The networks.
            cluster: The processes that train them.
            batch_size: Samples in a batch of all processes.
            plan: Batches of each phase.
            highest_rate: The generator's learning rate at the start.
            schedule: One of `SCHEDULES`, of the learning rate in each phase.
            checkpoints: Where the state is saved.
            history: Where it is told.
            validation: Pairs as `dataset.validation_pairs` gives them; may be empty.
            save_every: Batches between two checkpoints, and rows of the history.
            validate_every: Batches between two validations.
            is_quiet: Whether nothing is told of the progress.
        """
        self.gan = gan
        self.cluster = cluster
        self.batch_size = batch_size
        self.plan = plan
        self.highest_rate = highest_rate
        self.schedule = schedule
        self.checkpoints = checkpoints
        self.history = history
        self.validation = validation
        self.network = gan.generator if cluster.workers == 1 else Alone(gan.generator)
        self.save_every = save_every
        self.validate_every = validate_every
        self.is_quiet = is_quiet
        self.samples, self.batches, self.seconds = 0, 0, 0.0

    def run(self, batches: Iterable, first: int, last: int) -> None:
        """Takes step after step, and always leaves a checkpoint of the last one.

        Args:
            batches: The batches from number `first` on, as `dataset.batches` gives
                them.
            first: Batches that the state has seen.
            last: Batches that it shall have seen.

        Raises:
            Stop: If a signal came, or losses are not finite.
        """
        step = saved = first
        is_plain = self.is_quiet or not sys.stderr.isatty()
        with (
            Signals() as signals,
            tqdm(total=last, initial=first, unit="batch", disable=is_plain) as bar,
        ):
            try:
                begun = time.monotonic()
                for batch in batches:
                    self._take_step(batch, step)
                    step += 1
                    self._count(time.monotonic() - begun)
                    values = {}
                    if step % self.validate_every == 0 or step == last:
                        with self.gan.averaged():
                            values = self._validate(step)
                    if step % self.save_every == 0 or step == last or values:
                        self.checkpoints.save(step)
                        saved = step
                        self._tell(bar, step, last, values)
                    bar.update()
                    if self.cluster.total(len(signals.received)):
                        self._stop(signals, step)
                    begun = time.monotonic()
            finally:
                if step > saved:
                    self.checkpoints.save(step)

    def _stop(self, signals: Signals, step: int) -> None:
        """Ends all processes after a signal that one of them has got."""
        number = (signals.received or [signal.SIGTERM])[0]
        whose = number.name if signals.received else "a signal to another worker"
        raise Stop(
            f"{whose} after batch {step}; resume with --checkpoint -1", 128 + number
        )

    def _take_step(self, batch, step: int) -> None:
        """Trains on one batch, unless its losses or gradients are not finite."""
        rate = self.plan.learning_rate(step, self.highest_rate, self.schedule)
        self.gan.generator_optimizer.learning_rate.assign(rate)
        statistics = self.gan.generator.non_trainable_variables
        before = [variable.numpy() for variable in statistics]

        def undo() -> None:  # what the forward pass has changed
            for variable, value in zip(statistics, before, strict=True):
                variable.assign(value)

        try:
            values, gradients = self.gan.compute(batch, self.plan.phase(step))
            values = {name: float(value) for name, value in values.items()}
        except BaseException:
            undo()
            raise
        faulty = {name for name, value in values.items() if not math.isfinite(value)}
        if faulty:
            undo()
            self._leave_out(values, faulty, step)
        else:
            self.gan.apply(gradients)
            if self.gan.loss_scale:
                self.gan.loss_scale.keep()
        self.history.collect(values | {"learning_rate": rate})

    def _leave_out(self, values: dict[str, float], faulty: set[str], step: int) -> None:
        """Goes on without a batch whose gradients overflow by their scale alone.

        Args:
            values: What the batch gave by name; `faulty` of it are taken out.
            faulty: Names of those that are not finite.
            step: Number of the batch.

        Raises:
            Stop: If no lower scale of the loss can help.
        """
        scale = self.gan.loss_scale
        if scale and faulty == {"gradient_norm"} and scale.lower():
            del values["gradient_norm"]
            return
        shown = ", ".join(f"{name} {value:.3g}" for name, value in values.items())
        self.checkpoints.save(step)
        raise Stop(
            f"batch {step}: not finite ({shown}); the state before it is saved, "
            "go on from an earlier checkpoint with a lower --lr",
            exit_code=1,
        )

    def _count(self, seconds: float) -> None:
        """Keeps the time that training itself took, without saving and validating."""
        self.samples += self.batch_size
        self.batches += 1
        self.seconds += seconds

    def _validate(self, step: int) -> dict[str, float]:
        """Measures the generator on the fixed validation pairs."""
        rows = []
        for number, pair in enumerate(self.validation):
            matte = predict(self.network, pair["image"], pair["trimap"])
            errors = metrics.foreground_error(
                pair["foreground"], matte.foreground, pair["alpha"]
            )
            rows.append(
                (
                    metrics.sad(pair["alpha"], matte.alpha, pair["trimap"]),
                    metrics.mse(pair["alpha"], matte.alpha, pair["trimap"]),
                    errors["fractional"],
                )
            )
            if number < SHOWN_PAIRS:
                self.history.show(step, pair["name"], pair, matte.alpha)
        if not rows:
            return {}
        names = ("val_sad", "val_mse", "val_foreground")
        return dict(zip(names, map(float, np.nanmean(rows, axis=0)), strict=True))

    def _tell(self, bar: tqdm, step: int, last: int, values: dict[str, float]) -> None:
        """Writes a row of the history and shows it beside the bar, or as a line."""
        rate = self.samples / max(self.seconds, 1e-9)
        values = {"samples_per_second": rate, **values}
        values = self.history.write(step, self.plan.phase(step - 1), values)
        shown = {
            name: f"{value:.4g}"
            for name, value in values.items()
            if name.endswith("loss") or name.startswith("val") or "samples" in name
        }
        if not bar.disable:
            bar.set_postfix(shown)
        if self.is_quiet or not bar.disable:
            return
        left = (last - step) * self.seconds / self.batches
        text = "  ".join(f"{name} {value}" for name, value in shown.items())
        phase = self.plan.phase(step - 1)
        print(
            f"{step}/{last} {phase}  {text}  {left / 60:.0f} min left",
            file=sys.stderr,
            flush=True,
        )
