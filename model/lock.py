"""One run at a time in a folder: a lock that ends with its process, however that ends.

The kernel frees it, so a run that was killed leaves nothing to clear away by hand.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows has none; there nothing guards the folder
    fcntl = None


@contextlib.contextmanager
def hold(manifest: Path, option: str = "--output") -> Iterator[None]:
    """Keeps other runs away from a manifest and the files that it lists.

    The lock is a hidden file beside it, gone at the end. A folder that is not there
    yet is made, and taken away again if nothing has come into it.

    Args:
        manifest: The file, existing or not.
        option: What names another folder on the command line.

    Raises:
        BlockingIOError: If another run holds it.
        OSError: If the folder cannot be made or written to.
    """
    folder = manifest.parent
    is_new = not folder.exists()
    path = folder / f".{manifest.name}.lock"
    file = _open_locked(path, option)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()  # before it is freed, so that no other run's is meant
        file.close()
        if is_new:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _open_locked(path: Path, option: str) -> IO:
    """Opens a lock file and locks it, or says whose turn it is."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = open(path, "a")
        except FileNotFoundError:  # a run that ended has just taken the folder away
            continue
        try:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise BlockingIOError(
                f"{path.parent}: another run is filling it; "
                f"wait for it or give another {option}"
            ) from error
        except OSError:  # a file system that knows no locks
            return file
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # that of a run that has just ended, and of no use any more
