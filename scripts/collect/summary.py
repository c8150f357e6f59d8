"""Sums a collection up in a few lines for whoever waits for it."""

from collections import Counter
from collections.abc import Iterable

from scripts.collect.rows import OK


def summarise(rows: Iterable[dict[str, str]], sources: list[str]) -> list[str]:
    """Counts what became of the candidates, and the licences of the pictures.

    Args:
        rows: Of a manifest.
        sources: The names of those to sum up.

    Returns:
        For each source and kind, a line of outcomes and one of licences.
    """
    rows, lines = list(rows), []
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
                listed = ", ".join(
                    f"{count} {name}" for name, count in counts.most_common()
                )
                if listed:
                    lines.append(f"{source} {kind}s{title}: {listed}")
    return lines
