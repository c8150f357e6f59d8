"""Credits whom a collection of pictures is owed to: the text of ATTRIBUTION.md."""

from collections import Counter
from collections.abc import Iterable

HEAD = """\
# Attribution

Written by scripts/download.py from manifest.csv, which has the checksums as well.

All pictures were changed: cut-outs were trimmed, scaled down if large, their colours
continued into the transparent part, and stored as WebP; backgrounds were scaled down
if large and stored as JPEG. Each picture stays under its own licence. No author
endorses this collection.
"""
UNKNOWN = "unknown: ask before you pass it on"


def credit(rows: Iterable[dict[str, str]]) -> str:
    """Writes who made each usable picture and under which licence it is.

    Args:
        rows: Of a manifest; only those of status `ok` count.

    Returns:
        Markdown: a table of licences, then one line for each picture.
    """
    rows = [row for row in rows if row["status"] == "ok"]
    counts = Counter(row["licence"] or UNKNOWN for row in rows)
    lines = [HEAD, "| licence | pictures |", "|---|---|"]
    lines += [f"| {escape(name)} | {count} |" for name, count in sorted(counts.items())]
    for kind in ("foreground", "background"):
        listed = [credit_line(row) for row in rows if row["kind"] == kind]
        if listed:
            lines += ["", f"## {kind.capitalize()}s", "", *listed]
    return "\n".join(lines) + "\n"


def credit_line(row: dict[str, str]) -> str:
    """Credits one picture in one line of a list."""
    title = f" “{escape(row['title'])}”" if row["title"] else ""
    creator = escape(row["creator"]) or "an unnamed author"
    licence = escape(row["licence"]) or f"licence {UNKNOWN}"
    if row["licence_url"]:
        licence += f" ({escape(row['licence_url'])})"
    origin = escape(row["page"] or row["url"])
    return f"- `{row['path']}`:{title} by {creator}. {licence}. From {origin}."


def escape(text: str) -> str:
    r"""Takes the meaning that Markdown and HTML give to characters of a text.

    >>> escape("a [b] <c>")
    'a \\[b\\] &lt;c>'
    """
    for character in "\\`*[]|":
        text = text.replace(character, "\\" + character)
    return text.replace("<", "&lt;")
