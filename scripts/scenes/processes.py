"""Tasks in processes of their own, a few side by side, heard of as they go on.

A fresh process for each task frees all that Blender keeps, makes a task's result
independent of the tasks before it, and turns a crash into one failed task.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import wait

FAULTS = (OSError, RuntimeError, ValueError, MemoryError)  # told in one line


def run_all(work: Callable, tasks: Iterable[tuple], count: int) -> Iterator[tuple]:
    """Does tasks, at most `count` at a time.

    Args:
        work: Called as work(*task) in a new process, where it yields results. It and
            the tasks must survive pickling.
        tasks: Tuples of arguments.
        count: Processes.

    Yields:
        (task, result, ""), or (task, None, fault) when a task failed; the other
        tasks go on. No process outlives this iterator.
    """
    waiting, running = deque(tasks), {}
    try:
        while waiting or running:
            while waiting and len(running) < count:
                task = waiting.popleft()
                process, connection = start(work, task)
                running[connection] = process, task
            for connection in wait(list(running)):
                process, task = running[connection]
                result, fault, done = receive(connection, process)
                if done:
                    del running[connection]
                if fault or result is not None:
                    yield task, result, fault
    finally:
        for process, _ in running.values():
            process.kill()
            process.join()


def start(work: Callable, task: tuple):
    """Starts a process; returns it and the end of the pipe where it is heard."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=run_task, args=(theirs, work, task), daemon=True)
    # It is born deaf to Ctrl-C: it is for this process to end it.
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process.start()
    finally:
        signal.signal(signal.SIGINT, handler)
    theirs.close()
    return process, ours


def receive(connection, process) -> tuple:
    """Hears a process: its result or None, its fault or "", whether it is over."""
    try:
        result, fault, done = connection.recv()
    except (EOFError, OSError):
        process.join()
        result, done = None, True
        fault = f"the process ended with exit code {process.exitcode}"
    if done:
        connection.close()
        process.join()
    return result, fault, done


def run_task(connection, work: Callable, task: tuple) -> None:
    """Does one task in this process and sends what it yields."""
    threading.Thread(target=leave_with_parent, daemon=True).start()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # Blender announces every file it saves
    fault = ""
    try:
        for result in work(*task):
            connection.send((result, "", False))
    except FAULTS as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        fault = lines[0]
    connection.send((None, fault, True))
    sys.stderr.flush()
    os._exit(0)  # Blender has nothing left to save, and may crash when it is unloaded


def leave_with_parent() -> None:
    """Ends this process when its parent is gone, killed for example."""
    multiprocessing.parent_process().join()
    os._exit(1)
