"""How long a loop takes and waits for its batches, and what that makes of a long run.

With `--reuse` 4 a long run makes 1024 crops, uses each four times, then makes the next.
The loop waits, if at all, while crops are made. That cycle takes ten minutes, so its
halves are measured by themselves: the pool is as small as the batches to measure, the
first turn (all crops are made) and the second (none is) are clocked apart, and a long
run consists of one batch like the first for `reuse` - 1 like the second. The few
batches that are ready when a turn ends are in neither: a real run gets them for
nothing, once in 512 batches.
"""

import time
from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """Some batches of a loop.

    Attributes:
        batches: Their number.
        seconds: Between asking for the first and asking for the one after the last.
        waited: Seconds of these between asking for a batch and getting it.
    """

    batches: int
    seconds: float
    waited: float


class Clocked:
    """Batches, with the times at which each was asked for and came."""

    def __init__(self, batches: Iterable):
        self.batches = batches
        self.asked: list[float] = []
        self.came: list[float] = []

    def __iter__(self):
        batches = iter(self.batches)
        while True:
            self.asked.append(time.perf_counter())
            try:
                batch = next(batches)
            except StopIteration:
                return
            self.came.append(time.perf_counter())
            yield batch

    def span(self, first: int, count: int) -> Span:
        """Sums up `count` batches from number `first` on, when all are over."""
        last = first + count
        waits = zip(self.asked[first:last], self.came[first:last], strict=True)
        waited = sum(came - asked for asked, came in waits)
        return Span(count, self.asked[last] - self.asked[first], waited)


def in_long_run(fresh: Span, again: Span | None, reuse: int) -> Span:
    """Joins the turns of a pool as a long run has them.

    Args:
        fresh: Batches whose crops are made.
        again: Batches of crops that were used before; None if none are.
        reuse: How often each crop is used.

    Returns:
        One batch of each turn: `reuse` batches.
    """
    turns = [(fresh, 1), (again, reuse - 1)] if again else [(fresh, reuse)]
    return Span(
        reuse,
        sum(count * span.seconds / span.batches for span, count in turns),
        sum(count * span.waited / span.batches for span, count in turns),
    )


class Turns(NamedTuple):
    """Which batches of a stream are measured.

    Attributes:
        length: Batches in which every crop of the pool is used once.
        total: Batches of the stream.
        fresh: Number of the first to measure while crops are made.
        again: The same while they are used again; None if they never are.
    """

    length: int
    total: int
    fresh: int
    again: int | None


def plan_turns(batches: int, warmup: int, reuse: int) -> Turns:
    """Plans a stream whose turns have warm-up at both ends.

    At the end, since what the pipeline prepares then is of the next turn.

    Args:
        batches: To measure in each of two turns.
        warmup: Before them, and after.
        reuse: How often each crop is used.

    Returns:
        The turns.
    """
    length = warmup + batches + warmup
    if reuse == 1:
        return Turns(length, length, warmup, None)
    return Turns(length, length + warmup + batches, warmup, length + warmup)
