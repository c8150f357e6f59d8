"""Rows and pictures of a collection, for tests."""

import hashlib

from scripts.collect import rows
from scripts.collect.candidate import Candidate


def candidate(url="https://h/a%20b.png", kind="foreground", **told):
    return Candidate(kind, "openverse", "cat", url, **told)


def picture_row(given, data, phash=None, **changed):
    """The row of a picture whose stored and fetched bytes are `data`."""
    row = rows.describe(given)
    digest = hashlib.sha256(data).hexdigest()
    row |= {"status": "ok", "sha256": digest, "source_sha256": digest}
    return row | {"phash": phash or digest[:16], **changed}


def add(book, given, data, **changed):
    row = picture_row(given, data, **changed)
    row["path"] = book.name_file(given, ".webp")
    book.add(row, data)
    return row
