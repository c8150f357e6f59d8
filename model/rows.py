"""The tables of a run: CSV files that grow while it goes on, and outlast a kill."""

import csv
import io
import sys
from pathlib import Path

from model.checkpoint import replace_text


def read_rows(path: Path, last_step: int = sys.maxsize) -> list[dict]:
    """Reads the rows up to a batch, but for one that a kill cut short.

    Args:
        path: A CSV file with a column `step`.
        last_step: The last batch whose rows count.

    Returns:
        The rows; none if there is no file.

    Raises:
        ValueError: If the file is damaged.
    """
    if not path.exists():
        return []
    text = path.read_bytes().decode(errors="replace")
    whole = text[: text.rfind("\n") + 1]
    try:
        return [
            row
            for row in csv.DictReader(io.StringIO(whole, newline=""))
            if int(row["step"]) <= last_step
        ]
    except (csv.Error, KeyError, TypeError, ValueError) as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> ValueError:
    """Makes the line that says what is to be done about a damaged file."""
    return ValueError(f"{path}: damaged ({error!r}); mend it or move it away")


def write_rows(path: Path, columns: list[str], rows: list[dict]) -> None:
    """Writes a CSV file anew; a kill leaves the old one or the new one."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    replace_text(path, stream.getvalue())


def append_rows(path: Path, columns: list[str], rows: list[dict]) -> None:
    """Adds rows at the end, by one call of the system."""
    stream = io.StringIO(newline="")
    csv.DictWriter(stream, columns).writerows(rows)
    with path.open("ab", buffering=0) as file:
        content = stream.getvalue().encode()
        if file.write(content) != len(content):
            raise OSError(f"{path}: no space left to write it")
