"""Makes pictures of candidates: fetch, look for duplicates, gate, take down."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import NamedTuple

from tqdm import tqdm

from scripts.collect import gates
from scripts.collect.candidate import SPLITS, Candidate
from scripts.collect.fetch import Fetcher, FetchError
from scripts.collect.manifest import Manifest
from scripts.collect.rows import AGAIN, OK, describe


class Rules(NamedTuple):
    """What a picture must have.

    Attributes:
        min_side: Pixels that it must have.
        largest_sides: Pixels to which larger ones are scaled down, by kind.
    """

    min_side: int
    largest_sides: dict[str, int]


def gather(
    offered: Iterator[Candidate],
    manifest: Manifest,
    fetcher: Fetcher,
    rules: Rules,
    missing: float,
    bar: tqdm,
    tell: Callable[[str], None] | None = None,
) -> int:
    """Takes candidates until enough of them have become pictures.

    Args:
        offered: Candidates of one source and kind.
        manifest: Gets a row for each that is not settled yet.
        fetcher: Gets those that are on the web.
        rules: What a picture must have.
        missing: Pictures wanted, infinity for all.
        bar: Shows the progress.
        tell: Is told what became of each candidate.

    Raises:
        SourceError: If the source cannot go on, or there is no network.
        OSError: If a file cannot be written.
    """
    arrived = 0
    while arrived < missing:
        candidate = next(offered, None)
        if candidate is None:
            break
        if manifest.is_settled(candidate):
            continue
        row, data = take(candidate, manifest, fetcher, rules)
        manifest.add(row, data)
        if tell:
            tell(f"{candidate.url}: {row['status']}")
        if row["status"] == OK:
            arrived += 1
            bar.update()


def take(
    candidate: Candidate, manifest: Manifest, fetcher: Fetcher, rules: Rules
) -> tuple[dict[str, str], bytes | None]:
    """Gets one candidate and decides on it.

    Returns:
        Its row, and the file to store unless its status says why there is none.

    Raises:
        SourceError: If there is no network.
    """
    row = describe(candidate)
    row["status"] = " ".join(candidate.fault.split())
    if candidate.split not in SPLITS:  # it names a folder
        row["status"] = f"unknown split: {row['split'][:40]!r}"
        row["split"] = ""
    source = b""
    if not row["status"]:
        source, row["status"] = read(candidate, fetcher)
    if row["status"]:
        return row, None
    if "://" in candidate.url:
        now = datetime.now(timezone.utc)
        row["fetched"] = now.isoformat(timespec="seconds")
    row["source_sha256"] = hashlib.sha256(source).hexdigest()
    row["status"] = manifest.find_twin(row)
    if row["status"]:
        return row, None
    largest_side = rules.largest_sides[candidate.kind]
    try:
        picture = gates.prepare(
            source, candidate.kind, candidate.crop, rules.min_side, largest_side
        )
    except gates.Refused as reason:
        row["status"] = str(reason)
        return row, None
    for name in ("sha256", "phash", "width", "height"):
        row[name] = str(getattr(picture, name))
    row["status"] = manifest.find_near(row)
    if row["status"]:
        return row, None
    row["bytes"] = str(len(picture.data))
    row["path"] = manifest.name_file(candidate, picture.suffix)
    row["status"] = OK
    return row, picture.data


def read(candidate: Candidate, fetcher: Fetcher) -> tuple[bytes, str]:
    """Gets the bytes of a candidate, or says why there are none."""
    try:
        if candidate.path is not None:
            return candidate.path.read_bytes(), ""
        return fetcher.fetch(candidate.url), ""
    except FetchError as error:
        return b"", f"{AGAIN if error.temporary else 'not fetched'}: {error}"
    except OSError as error:
        return b"", f"{AGAIN}: cannot be read ({error.strerror})"
