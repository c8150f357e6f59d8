"""What every source of pictures yields: one candidate, with its origin and licence."""

from pathlib import Path
from typing import NamedTuple

KINDS = ("foreground", "background")
SPLITS = ("", "heldout")


class SourceError(ValueError):
    """A source cannot go on at all; the message is one line for the user."""


class Candidate(NamedTuple):
    """A picture that a source offers, before anybody has looked at it.

    Attributes:
        kind: `foreground` (a cut-out) or `background`.
        source: Name of the source, such as `openverse`.
        query: What was searched for, or "".
        url: Where the bytes are: https://..., deb:PACKAGE=VERSION/MEMBER, or a file.
        page: The page that shows it, or "".
        title: As its page has it, or "".
        creator: Whom to credit, or "".
        licence: As SPDX writes it, such as `CC-BY-4.0`; "" if unknown.
        licence_url: The licence, or the statement that grants it.
        name: Stem that the file should get; "" for one made from the url.
        group: Class of the object (hair, fur, foliage, net, ...), or "".
        split: "" for training, `heldout` for pictures never trained on.
        path: The file, where the bytes are here already; None to fetch the url.
        crop: Left, top, right, bottom in pixels, where it is a part of the picture.
        fault: Why there is nothing to fetch; "" if there is.
    """

    kind: str
    source: str
    query: str
    url: str
    page: str = ""
    title: str = ""
    creator: str = ""
    licence: str = ""
    licence_url: str = ""
    name: str = ""
    group: str = ""
    split: str = ""
    path: Path | None = None
    crop: tuple[int, int, int, int] | None = None
    fault: str = ""
