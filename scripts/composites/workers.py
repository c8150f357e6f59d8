"""Processes that work side by side, and end with the one that started them."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor

import cv2
from tqdm import tqdm


def start_workers(count: int) -> ProcessPoolExecutor:
    """Prepares a number of single-threaded processes; each is born when needed."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, context, start_worker)


def start_worker() -> None:
    """Makes a worker single-threaded, deaf to Ctrl-C, and unable to be orphaned."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)

    def leave_with_parent() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=leave_with_parent, daemon=True).start()


def run_all(
    executor: Executor,
    function: Callable,
    arguments: list,
    title: str,
    is_quiet: bool = False,
) -> Iterator:
    """Yields `function(argument)` in order, with a progress bar on a terminal."""
    # Workers are born deaf to Ctrl-C: it is for this process to tell them to stop.
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    results = executor.map(function, arguments)
    signal.signal(signal.SIGINT, handler)
    yield from tqdm(results, title, len(arguments), disable=is_quiet or None)
