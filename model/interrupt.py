"""Ctrl-C: at once while a program loads, later while files are replaced or it learns.

What Python does by itself, a KeyboardInterrupt, holds for all between.
"""

import _thread
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator


def leave_at_once(program: str) -> None:
    """Lets Ctrl-C end the process while it loads its modules and has done nothing yet.

    An exception would come out of any of them, as a page or as another one. One that
    is started deaf to Ctrl-C, in the background, stays so.

    Args:
        program: Its name in the message.
    """

    def leave(*_) -> None:
        os.write(2, f"{program}: interrupted, nothing was written\n".encode())
        os._exit(130)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave)
        sys.unraisablehook = _raise_again


def raise_from_now() -> None:
    """Ends what `leave_at_once` began: Ctrl-C raises KeyboardInterrupt again."""
    if sys.unraisablehook is _raise_again:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def ignore_from_now() -> None:
    """Lets Ctrl-C come too late for a process that has nothing left to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Lets Ctrl-C wait until the end of a block; in the main thread only.

    Raises:
        KeyboardInterrupt: At the end, if it came.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    came = []
    signal.signal(signal.SIGINT, lambda *_: came.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if came:
            raise KeyboardInterrupt


class Signals:
    """Remembers SIGINT and SIGTERM until the batch is done; a second one kills.

    A process that was started deaf to one of them, in the background, stays so.
    """

    def __init__(self):
        self.received: list[signal.Signals] = []

    def __enter__(self):
        self.before = {
            number: signal.signal(number, self._remember)
            for number in (signal.SIGINT, signal.SIGTERM)
            if signal.getsignal(number) is not signal.SIG_IGN
        }
        return self

    def __exit__(self, *_):
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _remember(self, number, _):
        self.received.append(signal.Signals(number))
        signal.signal(number, self.before[number])


def _raise_again(unraisable) -> None:
    """Repeats a Ctrl-C that came while Python could not raise it, in a callback."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        _thread.interrupt_main()
    else:
        sys.__unraisablehook__(unraisable)
