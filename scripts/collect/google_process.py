"""Starts, asks and ends the process that runs google_images_download."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULE = "scripts.collect.google_worker"
SHORT_PLACE = "/tmp"
LONGEST_PLACE = 40  # bytes; Chrome's socket, 61 more, must fit into 107


class Worker:
    """The process, and with it its browser, as long as a `with` block lasts.

    Args:
        options: What the process is to do.
        log: File for what the package and the browser print.
    """

    def __init__(self, options: dict, log: Path):
        self._options, self._log = options, log
        self._lines = queue.Queue()  # that the process writes; "" is the last
        self._ending = contextlib.ExitStack()  # closed in the opposite order

    def __enter__(self) -> "Worker":
        scratch = tempfile.TemporaryDirectory(  # for Chrome's profile
            prefix="google-", dir=find_place(), ignore_cleanup_errors=True
        )
        with self._ending as ending:
            directory = ending.enter_context(scratch)
            errors = ending.enter_context(open(self._log, "wb"))
            self._process = ending.enter_context(start(directory, errors))
            reader = threading.Thread(target=self._read, daemon=True)
            reader.start()
            ending.callback(reader.join)
            ending.callback(self._kill)
            self._ending = ending.pop_all()
        self._send(json.dumps(self._options))
        return self

    def __exit__(self, *_) -> None:
        self._ending.close()

    def go_on(self) -> None:
        """Asks for another picture."""
        self._send("")

    def next_event(self, timeout: float) -> dict:
        """Waits for what is reported next.

        Args:
            timeout: Seconds to wait.

        Raises:
            TimeoutError: If nothing is.
            EOFError: If the process has ended.
        """
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError from None
        if not line:
            raise EOFError
        return json.loads(line)

    def _send(self, line: str) -> None:
        """Writes a line to the process; one that has ended does not need it."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._process.stdin.fileno(), f"{line}\n".encode())

    def _read(self) -> None:
        """Passes on what the process writes."""
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def _kill(self) -> None:
        """Kills the whole group before its number can become another's."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def find_place() -> str:
    """Finds where temporary files go, with a path short enough for Chrome.

    It exits while it starts where the path of its socket is longer than an address may
    be (`sun_path` of unix(7)).

    Returns:
        What TMPDIR says, or /tmp if that is too long.
    """
    place = tempfile.gettempdir()
    is_long = len(os.fsencode(place)) > LONGEST_PLACE
    return SHORT_PLACE if is_long and os.access(SHORT_PLACE, os.W_OK) else place


def start(scratch: str, errors) -> subprocess.Popen:
    """Starts the process in a group of its own, deaf to Ctrl-C.

    Args:
        scratch: Directory for temporary files.
        errors: Open file for what is printed.
    """
    # Chrome keeps settings and caches outside its profile as well.
    names = ("TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
    changed = dict.fromkeys(names, scratch)
    # Selenium is not to look for drivers or to send statistics.
    changed |= {"SE_OFFLINE": "true", "SE_AVOID_STATS": "true"}
    return subprocess.Popen(
        [sys.executable, "-m", MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        cwd=ROOT,
        env=os.environ | changed,
        start_new_session=True,
    )
