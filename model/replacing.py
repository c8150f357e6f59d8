"""Files that are never seen half-written."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

KEPT = 240  # bytes of a name that are kept in that of a temporary file, of 255 in all


def replace_file(path: Path, content: bytes) -> None:
    """Replaces a file when the new one is complete.

    Args:
        path: The file.
        content: What it is to hold.

    Raises:
        OSError: If that cannot be written; then the old one stays.
    """
    with replacement(path) as temporary:
        temporary.write_bytes(content)


@contextlib.contextmanager
def replacement(path: Path) -> Iterator[Path]:
    """Gives another file to write to, which replaces one when the block is left.

    Args:
        path: The file to be replaced.

    Yields:
        A new one beside it; an error inside the block removes it.

    Raises:
        OSError: If it cannot take the old one's place; then that one stays.
    """
    # not by the process id, which is the same in two containers
    name = path.name.encode(errors="surrogateescape")[:KEPT].decode(errors="ignore")
    temporary = path.with_name(f".{name}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
