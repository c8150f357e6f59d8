"""The error of each method over its time, as a picture."""

from collections.abc import Mapping
from pathlib import Path

SIZE = (5.2, 3.8)  # inches of a panel
DOTS = 100  # to an inch
MARK = {"marker": "o", "markersize": 8, "linestyle": "none"}


def draw_tradeoff(means: list[Mapping], output: Path) -> None:
    """Draws a panel for each part of a benchmark, each method a point of its colour.

    To the left is faster, below is more accurate. Time is drawn logarithmically;
    methods that took none, as where nothing could be solved, are left out.

    Args:
        means: From `table.summarise`: `method`, `sad`, `seconds`, and first of all the
            name of the part.
        output: The picture to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import lines, pyplot

    parts: dict[str, list[Mapping]] = {}
    for row in means:
        parts.setdefault(row[next(iter(row))], []).append(row)
    columns = min(len(parts), 2)
    lines_of_panels = -(-len(parts) // columns)
    figure, panels = pyplot.subplots(
        lines_of_panels,
        columns,
        figsize=(SIZE[0] * columns, SIZE[1] * lines_of_panels),
        squeeze=False,
        layout="constrained",
    )
    names = list(dict.fromkeys(row["method"] for row in means))
    marks = {  # by method, the same in all panels
        name: lines.Line2D([], [], color=f"C{number}", **MARK, label=name)
        for number, name in enumerate(names)
    }
    for panel in panels.flat[len(parts) :]:
        panel.remove()
    for panel, (part, rows) in zip(panels.flat, parts.items(), strict=False):
        for row in rows:
            if row["seconds"] > 0:
                colour = marks[row["method"]].get_color()
                panel.plot(row["seconds"], row["sad"], color=colour, **MARK)
        panel.set(xscale="log", xlabel="seconds", ylabel="SAD (thousands)", title=part)
        panel.margins(x=0.1, y=0.1)
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3, which="both")
    figure.legend(handles=marks.values(), loc="outside lower center", ncols=len(names))
    figure.savefig(output, dpi=DOTS)
    pyplot.close(figure)
