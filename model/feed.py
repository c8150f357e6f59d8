"""The batches that a process trains on: made here, or by input workers elsewhere."""

import secrets
from pathlib import Path

import tensorflow as tf

from model import dataset, service, stock
from model.cluster import Cluster
from model.storage import Address


def stream(
    workers: Cluster,
    source: dataset.Composites | stock.Layers,
    *,
    data: Path | Address,
    stored: bool,
    address: str | None,
    first: int,
    last: int,
    batch_size: int,
    threads: int,
    **wanted,
) -> tf.distribute.DistributedDataset | tf.data.Dataset:
    """Streams this process' part of each batch, for all of its devices.

    Args:
        workers: The processes that train.
        source: What samples are made of here.
        data: The data directory, as input workers open it.
        stored: Whether these are to use the stored composites.
        address: HOST:PORT of the dispatcher of input workers; None to make samples
            here.
        first: Number of the first batch.
        last: Number of the batch after the last one.
        batch_size: Samples in a batch of all processes.
        threads: Samples that are made here at a time.
        **wanted: `seed`, `size`, `use_prior`, `is_fine` and `reuse` as of
            `dataset.batches`.

    Returns:
        The batches, as `MattingGAN.compute` takes them.

    Raises:
        ConnectionError: If another process has ended.
    """
    parts = workers.replicas // workers.workers  # one for each device of this process
    wanted |= {"first": first, "batch_size": batch_size}
    if address:
        job = workers.total(secrets.randbits(40) if workers.is_chief else 0)
        batches = service.batches(
            address,
            f"train-{job}",
            data=data,
            stored=stored,
            part_size=batch_size // workers.replicas,
            **wanted,
        ).take((last - first) * parts)
    else:
        batches = dataset.batches(
            source,
            steps=last - first,
            workers=threads,
            places=workers.positions(batch_size),
            parts=parts,
            **wanted,
        )
    return workers.strategy.distribute_datasets_from_function(lambda _: batches)
