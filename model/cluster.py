"""The devices and processes that train one network together, by `tf.distribute`.

One process with one device, one with several (MirroredStrategy), or several processes,
on one machine or more, that TF_CONFIG lists (MultiWorkerMirroredStrategy). Every
replica sees its part of each batch, and all hold the same weights.
"""

import json
import os
import sys
from typing import NamedTuple

import tensorflow as tf

from model import engine

LOST = (  # what a process sees when another has ended
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)


class Place(NamedTuple):
    """Where a process stands among those of TF_CONFIG.

    Attributes:
        rank: Its number; 0 is the chief, which writes the run directory.
        workers: How many there are.
    """

    rank: int = 0
    workers: int = 1


class Cluster:
    """What this process has of the training, and what all of it has.

    Attributes:
        strategy: To build networks in the scope of.
        rank: Number of this process; 0 is the chief.
        workers: Number of processes.
        replicas: Number of devices of all processes.
    """

    def __init__(self, strategy: tf.distribute.Strategy, place: Place):
        """Joins the others; waits until all are there.

        Args:
            strategy: As `start` makes it.
            place: Of this process.
        """
        self.strategy = strategy
        self.rank, self.workers = place
        self.replicas = strategy.num_replicas_in_sync

    @property
    def is_chief(self) -> bool:
        """Says whether this process writes the run directory."""
        return self.rank == 0

    def positions(self, batch_size: int) -> list[int]:
        """Says which samples of every batch this process makes.

        Replica number r takes every sample whose place in the batch, divided by the
        number of replicas, leaves r.

        Args:
            batch_size: Samples in a batch of all replicas.

        Returns:
            Their places in the batch, replica after replica.

        Raises:
            ValueError: If the replicas cannot have the same number.
        """
        if batch_size % self.replicas:
            raise ValueError(
                f"--batch_size: got {batch_size} for {self.replicas} replicas; "
                "give a multiple of their number"
            )
        local = self.replicas // self.workers
        return [
            place
            for replica in range(self.rank * local, (self.rank + 1) * local)
            for place in range(replica, batch_size, self.replicas)
        ]

    def total(self, number: int) -> int:
        """Adds up a number of each process; every one of them has to call it.

        Args:
            number: That of this process.

        Returns:
            The sum, on every process.

        Raises:
            ConnectionError: If another process has ended.
        """
        if self.workers == 1:
            return number
        try:
            spread = self._add(tf.constant(number, tf.int64))
        except LOST as error:
            raise ConnectionError(told_lost(error)) from error
        local = self.strategy.experimental_local_results(spread)
        return int(local[0].numpy()) // len(local)

    @tf.function
    def _add(self, number: tf.Tensor):
        def add():
            context = tf.distribute.get_replica_context()
            # made on the device of the replica, which is where the sum comes to
            return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(number))

        return self.strategy.run(add)

    def agreed(self, number: int) -> bool:
        """Says whether all processes came with the same number; all have to call it."""
        difference = abs(self.workers * number - self.total(number))
        return self.total(difference) == 0

    def explain(self, error: Exception) -> str:
        """Says in one line what stopped the training."""
        if self.workers > 1 and isinstance(error, LOST):
            return told_lost(error)
        if isinstance(error, tf.errors.OpError):
            return engine.explain(error)
        return " ".join(str(error).split()) or type(error).__name__


class Alone:
    """A network that one process runs by itself, as `predict.predict` wants it.

    Keras' own `predict_on_batch` would wait for all other processes to join in.

    Attributes:
        inputs: Of the network.
    """

    def __init__(self, network):
        """Wraps a network.

        Args:
            network: A functional network with named inputs and outputs.
        """
        self.inputs = network.inputs
        self._call = tf.function(
            lambda batch: network(batch, training=False), reduce_retracing=True
        )

    def predict_on_batch(self, batch: dict) -> dict:
        """Runs the network; (B, H, W, C) arrays in, tensors out, both by name."""
        return self._call({name: tf.constant(part) for name, part in batch.items()})


def start(kind: str, place: Place) -> Cluster:
    """Chooses the strategy; nothing else may have used TensorFlow before.

    Args:
        kind: As of train.py's `--strategy`; `auto` takes what TF_CONFIG and the GPUs
            suggest.
        place: As `read_place` gives it.

    Returns:
        The cluster, complete: it waits for the other processes.
    """
    kind = choose(kind, place.workers, len(tf.config.list_physical_devices("GPU")))
    if kind == "multiworker":
        try:
            strategy = tf.distribute.MultiWorkerMirroredStrategy()
        except (RuntimeError, tf.errors.OpError) as error:
            raise OSError(
                f"TF_CONFIG: the workers do not come together ({engine.explain(error)})"
                "; give each a port of its own that the others can reach"
            ) from error
    elif kind == "mirrored":
        devices = tf.config.list_logical_devices("GPU")
        devices = devices or tf.config.list_logical_devices("CPU")
        strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
    else:
        strategy = tf.distribute.get_strategy()
    return Cluster(strategy, place if kind == "multiworker" else Place())


def join(kind: str, batch_size: int, is_compiled: bool, is_quiet: bool) -> Cluster:
    """Waits for the other processes that TF_CONFIG lists, and checks the options.

    Args:
        kind: As of `start`.
        batch_size: Samples in a batch of all replicas.
        is_compiled: Whether XLA compiles the step.
        is_quiet: Whether nothing is told while it waits.

    Returns:
        The cluster.

    Raises:
        OSError: If the processes do not come together.
        ValueError: If the options do not go with it, or TF_CONFIG is damaged.
    """
    place = read_place()
    if place.workers > 1 and not is_quiet:
        told = f"worker {place.rank} of {place.workers}: waiting for all of them"
        print(told, file=sys.stderr, flush=True)
    workers = start(kind, place)
    workers.positions(batch_size)
    if is_compiled and workers.replicas > 1:
        raise ValueError(
            f"--jit: got it with {workers.replicas} replicas, which talk to each other "
            "where XLA cannot; leave it out"
        )
    return workers


def told_lost(error: tf.errors.OpError) -> str:
    """Says in one line that another process has ended."""
    return f"a worker is gone ({engine.explain(error)}); start all of them again"


def choose(kind: str, workers: int, gpus: int) -> str:
    """Names the strategy that is meant.

    Args:
        kind: As of train.py's `--strategy`.
        workers: Processes that TF_CONFIG lists, 1 without it.
        gpus: Of this process.

    Returns:
        The same, but not `auto`.

    Raises:
        ValueError: If several processes are wanted and TF_CONFIG lists none.
    """
    if kind == "multiworker" and workers == 1:
        raise ValueError(
            "--strategy: got multiworker, and TF_CONFIG lists no other worker; "
            "set it as docs/scaling.md says"
        )
    if kind != "auto":
        return kind
    if workers > 1:
        return "multiworker"
    return "mirrored" if gpus > 1 else "none"


def read_place(environment: dict[str, str] = os.environ) -> Place:
    """Reads TF_CONFIG.

    Args:
        environment: Variables by name.

    Returns:
        The place of this process; the only one if there is no TF_CONFIG.

    Raises:
        ValueError: If it is damaged or this process has no place in it.
    """
    text = environment.get("TF_CONFIG", "")
    if not text.strip():
        return Place()
    try:
        config = json.loads(text)
        chiefs, workers = (
            len(config["cluster"].get(kind, [])) for kind in ("chief", "worker")
        )
        kind, index = config["task"]["type"], int(config["task"]["index"])
        others = set(config["cluster"]) - {"chief", "worker"}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"TF_CONFIG: not a cluster and a task ({error!r}); "
            "set it as docs/scaling.md says"
        ) from error
    if others:
        raise ValueError(
            f"TF_CONFIG: got {', '.join(sorted(others))}; list workers only"
        )
    if kind not in ("chief", "worker") or not (
        0 <= index < (chiefs if kind == "chief" else workers)
    ):
        raise ValueError(
            f"TF_CONFIG: got task {kind} {index} of {chiefs} chiefs and {workers} "
            "workers; give every process a task of its own, from 0 on"
        )
    return Place(index + (chiefs if kind == "worker" else 0), chiefs + workers)
