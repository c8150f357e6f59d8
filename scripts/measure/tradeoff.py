"""The error of each method over its time, as a picture."""

from collections.abc import Mapping
from pathlib import Path

SIZE = (5.2, 3.8)  # inches of a panel
DOTS = 100  # to an inch


def draw_tradeoff(means: list[Mapping], output: Path) -> None:
    """Draws a panel for each part of a benchmark, each method a point.

    To the left is faster, below is more accurate. Time is drawn logarithmically;
    methods that took none, as where nothing could be solved, are left out.

    Args:
        means: From `table.summarise`: `method`, `sad`, `seconds`, and first of all the
            name of the part.
        output: The picture to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    parts: dict[str, list[Mapping]] = {}
    for row in means:
        parts.setdefault(row[next(iter(row))], []).append(row)
    columns = min(len(parts), 2)
    lines = -(-len(parts) // columns)
    figure, panels = pyplot.subplots(
        lines,
        columns,
        figsize=(SIZE[0] * columns, SIZE[1] * lines),
        squeeze=False,
    )
    for panel in panels.flat[len(parts) :]:
        panel.remove()
    for panel, (part, rows) in zip(panels.flat, parts.items(), strict=False):
        points = [row for row in rows if row["seconds"] > 0]
        points.sort(key=lambda row: row["seconds"])
        for number, row in enumerate(points):
            place = (row["seconds"], row["sad"])
            panel.plot(*place, "o", markersize=8)
            panel.annotate(
                row["method"],
                place,
                xytext=(0, (9, -17)[number % 2]),  # neighbours do not collide
                textcoords="offset points",
                ha="center",
            )
        panel.set(xscale="log", xlabel="seconds", ylabel="SAD (thousands)", title=part)
        panel.set_ylim(0, 1.15 * max((row["sad"] for row in points), default=1))
        panel.margins(x=0.3)
        panel.grid(alpha=0.3, which="both")
    figure.tight_layout()
    figure.savefig(output, dpi=DOTS)
    pyplot.close(figure)
