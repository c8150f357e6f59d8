"""The plan of a run: its phases and the learning rate in each of them."""

import math
from typing import NamedTuple

ADVERSARIAL_RATE = 0.2  # learning rate of the adversarial phase, as a share of the rest
WARM_UP = 200  # batches at the start, in which the learning rate rises
SCHEDULES = ("cosine", "trapezoid", "constant")
DECAY = 0.25  # of a phase, its last part, in which a trapezoid falls
FINAL_RATE = 0.01  # share of the learning rate at the end of a phase


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
            highest: What it rises to at the start of the first phase.
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
