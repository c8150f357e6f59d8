"""Files that are never seen half-written."""

import os
import secrets
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
    # not by the process id, which is the same in two containers
    name = path.name.encode()[:KEPT].decode(errors="ignore")
    temporary = path.with_name(f".{name}.{secrets.token_hex(4)}.part")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
