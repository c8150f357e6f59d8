"""Sums a collection up in a few lines for whoever waits for it."""

from collections import Counter
from collections.abc import Iterable

from scripts.collect.rows import OK


def summarise(rows: Iterable[dict[str, str]], sources: list[str]) -> list[str]:
    """Counts what became of the candidates, and what the collection consists of.

    Args:
        rows: Of a manifest.
        sources: The names of those to sum up.

    Returns:
        For each source and kind, a line of outcomes and one of licences; then, for
        all pictures of whatever source, a line of classes for each kind and one of
        licences.
    """
    rows, lines = list(rows), []
    usable = [row for row in rows if row["status"] == OK]
    for source in sources:
        for kind in ("foreground", "background"):
            met = [
                row for row in rows if (row["source"], row["kind"]) == (source, kind)
            ]
            outcomes = Counter(row["status"].partition(":")[0] for row in met)
            licences = Counter(
                row["licence"] or "unknown" for row in met if row["status"] == OK
            )
            for title, counts in (("", outcomes), (" licences", licences)):
                if counts:
                    lines.append(f"{source} {kind}s{title}: {list_counts(counts)}")
    for kind in ("foreground", "background"):
        met = [row for row in usable if row["kind"] == kind]
        if met:
            lines.append(f"{kind}s classes: {count_classes(met)}")
    if usable:
        licences = Counter(row["licence"] or "unknown" for row in usable)
        lines.append(f"licences: {list_counts(licences)}")
    return lines


def count_classes(rows: list[dict[str, str]]) -> str:
    """Lists how many pictures of each class are for training, and how many held out.

    >>> split = {"cat": "", "dog": "heldout", "owl": ""}
    >>> count_classes([{"group": "fur", "split": name} for name in split.values()])
    '2 fur (+1 held out)'
    """
    names = [row["group"] or "without class" for row in rows]
    held_out = Counter(
        name for name, row in zip(names, rows, strict=True) if row["split"]
    )
    listed = []
    for name, count in Counter(names).most_common():
        kept = held_out[name]
        told = f" (+{kept} held out)" if kept else ""
        listed.append(f"{count - kept} {name}{told}")
    return ", ".join(listed)


def list_counts(counts: Counter) -> str:
    """Lists counts, the largest first.

    >>> list_counts(Counter(["CC0-1.0", "GPL-2.0", "CC0-1.0"]))
    '2 CC0-1.0, 1 GPL-2.0'
    """
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())
