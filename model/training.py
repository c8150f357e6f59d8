"""The training of one run: batches in, checkpoints and history out.

Everything that happens between two batches is here: which phase it is, the
learning rate, saving, validating, stopping in good order.
"""

import contextlib
import math
import signal
import sys
import time
from collections.abc import Iterable

from tqdm import tqdm

from model import interrupt
from model.cluster import Cluster
from model.gan import NORMS, MattingGAN
from model.history import History
from model.plan import Plan
from model.saving import Checkpoints, SaveError
from model.validation import Validation

TOLD = ("samples_per_second", "val_sad", "val_mse", "val_foreground")  # beside losses


class Stop(Exception):
    """Ends the training in good order.

    Attributes:
        exit_code: For the program to end with.
    """

    def __init__(self, message: str, exit_code: int):
        super().__init__(message)
        self.exit_code = exit_code


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
        validation: Validation,
        save_every: int,
        validate_every: int,
        patience: int | None = None,
        is_quiet: bool = False,
    ):
        """Joins the parts.

        Args:
            gan: The networks.
            cluster: The processes that train them.
            batch_size: Samples in a batch of all processes.
            plan: Batches of each phase.
            highest_rate: What the generator's learning rate rises to at the start.
            schedule: One of `plan.SCHEDULES`, of the learning rate in each phase.
            checkpoints: Where the state is saved.
            history: Where it is told.
            validation: Measures the generator.
            save_every: Batches between two checkpoints, and rows of the history.
            validate_every: Batches between two validations.
            patience: Validations without a better one that end the run; None for
                any number.
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
        self.save_every = save_every
        self.validate_every = validate_every
        self.patience = patience
        self.saved = self.told = 0  # batches: at the last checkpoint, the last row
        self.is_whole = True  # whether the state is that after a whole batch
        self.is_quiet = is_quiet
        self.batches, self.seconds = 0, 0.0
        self.told_batches, self.told_seconds = 0, 0.0  # of them, those of earlier rows

    def run(self, batches: Iterable, first: int, last: int) -> None:
        """Takes step after step, and always leaves a checkpoint of the last one.

        Args:
            batches: The batches from number `first` on, as `dataset.batches` gives
                them.
            first: Batches that the state has seen.
            last: Batches that it shall have seen.

        Raises:
            SaveError: If a checkpoint cannot be written.
            Stop: If a signal came, validations got no better, or losses are not finite.
        """
        step = self.saved = self.told = first
        is_plain = self.is_quiet or not sys.stderr.isatty()
        with (
            interrupt.Signals() as signals,
            tqdm(total=last, initial=first, unit="batch", disable=is_plain) as bar,
        ):
            try:
                begun = time.monotonic()
                for batch in batches:
                    self._take_step(batch, step)
                    step += 1
                    self._count(time.monotonic() - begun)
                    self._record(bar, step, last)
                    bar.update()
                    if self.cluster.total(len(signals.received)):
                        self._stop(signals, step)
                    begun = time.monotonic()
            except SaveError:
                raise
            except BaseException:
                if step > self.saved and self.is_whole:
                    with contextlib.suppress(SaveError, OSError):
                        self._save(bar, step, last, {})
                raise

    def _record(self, bar: tqdm, step: int, last: int) -> None:
        """Validates and saves when it is time to; stops a run that gets no better."""
        values = {}
        is_time = step % self.validate_every == 0 or step == last
        if is_time:
            try:
                values = self.validation.measure(step, self.plan.phase(step - 1))
            except FloatingPointError as error:
                raise Stop(
                    f"batch {step}: {error}; go on from an earlier checkpoint with a "
                    "lower --lr",
                    exit_code=1,
                ) from error
        if step % self.save_every == 0 or step == last or values:
            self._save(bar, step, last, values)
        if is_time and self.patience:
            self._judge(is_measured=bool(values))

    def _judge(self, is_measured: bool) -> None:
        """Ends all processes if validations of the chief have got no better."""
        stale = self.history.stale if is_measured else 0
        if not self.cluster.total(int(stale >= self.patience)):
            return
        told = "validations of the chief were no better"
        if self.history.best:
            best, val_sad = self.history.best
            told = (
                f"{stale} validations after batch {best} (val_sad {val_sad:.4g}) were "
                "no better; that one is --checkpoint best"
            )
        raise Stop(told, exit_code=0)

    def _save(self, bar: tqdm, step: int, last: int, values: dict[str, float]) -> None:
        """Writes the row of the history, then the checkpoint that it belongs to.

        A row without its checkpoint is dropped and made again when the run resumes;
        a checkpoint without its row would lack it for ever.
        """
        if step != self.told:  # a save that was interrupted is made once more
            self._tell(bar, step, last, values)
            self.told = step
        best = self.history.best
        is_best = best is not None and best[0] == step
        self.checkpoints.save(step, best[1] if is_best else None)
        self.saved = step

    def _stop(self, signals: interrupt.Signals, step: int) -> None:
        """Ends all processes after a signal that one of them has got."""
        number = (signals.received or [signal.SIGTERM])[0]
        whose = number.name if signals.received else "a signal to another worker"
        raise Stop(
            f"{whose} after batch {step}; resume with --checkpoint -1", 128 + number
        )

    def _take_step(self, batch, step: int) -> None:
        """Trains on one batch, unless its losses or gradients are not finite."""
        phase = self.plan.phase(step)
        rate = self.plan.learning_rate(step, self.highest_rate, self.schedule)
        self.gan.generator_optimizer.learning_rate.assign(rate)
        values, gradients = self._compute(batch, phase)
        faulty = {name for name, value in values.items() if not math.isfinite(value)}
        if faulty:
            self._leave_out(values, faulty, step)
        else:
            self._apply(gradients)
        rates = {"learning_rate": rate}
        if phase != "generator":
            optimizer = self.gan.discriminator_optimizer
            rates["discriminator_rate"] = float(optimizer.learning_rate.numpy())
        self.history.collect(values | rates)

    def _compute(self, batch, phase: str):
        """Computes losses and gradients; if that fails, statistics stay as they were.

        Returns:
            The values as floats by name, and the gradients.
        """
        statistics = self.gan.generator.non_trainable_variables
        before = [variable.numpy() for variable in statistics]
        is_sound = False
        try:
            values, gradients = self.gan.compute(batch, phase)
            values = {name: float(value) for name, value in values.items()}
            is_sound = all(math.isfinite(value) for value in values.values())
        finally:
            if not is_sound:
                for variable, value in zip(statistics, before, strict=True):
                    variable.assign(value)
        return values, gradients

    def _apply(self, gradients) -> None:
        """Updates the networks; the state is not whole until all of it is done."""
        self.is_whole = False
        self.gan.apply(gradients)
        if self.gan.loss_scale:
            self.gan.loss_scale.keep()
        self.is_whole = True

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
        if scale and faulty <= set(NORMS) and scale.lower():
            for name in faulty:
                del values[name]
            return
        shown = ", ".join(f"{name} {value:.3g}" for name, value in values.items())
        advice = (
            "the state before it is saved, go on from an earlier checkpoint"
            if step
            else "start again"
        )
        raise Stop(
            f"batch {step}: not finite ({shown}); {advice} with a lower --lr",
            exit_code=1,
        )

    def _count(self, seconds: float) -> None:
        """Keeps the time that training itself took, without saving and validating."""
        self.batches += 1
        self.seconds += seconds

    def _tell(self, bar: tqdm, step: int, last: int, values: dict[str, float]) -> None:
        """Writes a row of the history and shows it beside the bar, or as a line."""
        samples = self.batch_size * (self.batches - self.told_batches)
        rate = samples / max(self.seconds - self.told_seconds, 1e-9)
        self.told_batches, self.told_seconds = self.batches, self.seconds
        values = {"samples_per_second": rate, **values}
        values = self.history.write(step, self.plan.phase(step - 1), values)
        shown = {
            name: f"{value:.4g}"
            for name, value in values.items()
            if name.endswith("loss") or name in TOLD
        }
        if not bar.disable:
            bar.set_postfix(shown)
        if self.is_quiet or not bar.disable:
            return
        left = (last - step) * self.seconds / max(self.batches, 1)
        text = "  ".join(f"{name} {value}" for name, value in shown.items())
        phase = self.plan.phase(step - 1)
        with contextlib.suppress(OSError):  # nobody reads it, which ends no run
            print(
                f"{step}/{last} {phase}  {text}  {left / 60:.0f} min left",
                file=sys.stderr,
                flush=True,
            )
