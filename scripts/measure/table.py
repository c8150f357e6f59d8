"""The rows of a benchmark summed up and laid out as a table."""

import statistics
from collections.abc import Iterable

MEASURES = {
    "sad": "SAD",
    "mse": "MSE x1000",
    "gradient": "Grad",
    "connectivity": "Conn",
}
COLOURS = {  # where the true foreground is known
    "foreground_fractional": "F soft x1000",
    "foreground_opaque": "F opaque x1000",
}
SECONDS = {"seconds": "seconds", "foreground_seconds": "F seconds"}
REFERENCE = "closed-form"  # the method to which the others are compared


def summarise(rows: list[dict]) -> list[dict]:
    """Averages the rows of each part and method and compares to closed-form.

    Args:
        rows: Of the benchmark: the labels of the case, `method`, the measures,
            `seconds`, `foreground_seconds`, `note`.

    Returns:
        One dict per part and method: means over the pictures of the measures, None
        where no picture has one; median `seconds` and `foreground_seconds`; `ratio`
        to the mean of closed-form, of the seconds to its median, and `better`, the
        number of pictures below it, by measure, or None without closed-form.
    """
    part_name, picture_name = list(rows[0])[:2]
    summary = []
    for part, divided in divide(rows).items():
        methods: dict[str, list[dict]] = {}
        for row in divided:
            methods.setdefault(row["method"], []).append(row)
        for method, group in methods.items():
            mean = {part_name: part, f"{picture_name}s": len(group), "method": method}
            mean |= {key: average(row[key] for row in group) for key in MEASURES}
            for key in COLOURS:
                if key in group[0]:
                    mean[key] = average(row[key] for row in group)
            for key in SECONDS:
                mean[key] = statistics.median(row[key] for row in group)
            summary.append(mean | compare(group, methods.get(REFERENCE)))
    return summary


def divide(rows: list[dict]) -> dict[str, list[dict]]:
    """Divides rows by their trimaps, or by their groups beside all of them."""
    if "trimap" in rows[0]:
        names = dict.fromkeys(row["trimap"] for row in rows)
        return {name: [row for row in rows if row["trimap"] == name] for name in names}
    groups = sorted({row["group"] for row in rows} - {""})
    parts = {name: [row for row in rows if row["group"] == name] for name in groups}
    return {"all": rows} | parts


def average(values: Iterable[float | None]) -> float | None:
    """Averages the values that there are, if any."""
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def compare(group: list[dict], reference: list[dict] | None) -> dict:
    """Compares the rows of a method with those of closed-form on the same pictures."""
    if not reference:
        return {"ratio": None, "better": None}
    pairs = list(zip(group, reference, strict=True))
    sums = {key: sum(row[key] for row in reference) for key in MEASURES}
    ratio = {
        key: sum(row[key] for row in group) / sums[key] if sums[key] else None
        for key in MEASURES
    }
    medians = [
        statistics.median(row["seconds"] for row in rows) for rows in (group, reference)
    ]
    return {
        "ratio": ratio | {"seconds": medians[0] / medians[1]},
        "better": {
            key: sum(row[key] < other[key] for row, other in pairs) for key in MEASURES
        },
    }


def lay_out(rows: list[dict]) -> list[list[str]]:
    """Lays rows or means out as cells, a heading first.

    Args:
        rows: Of the benchmark, or from `summarise`.

    Returns:
        Lines of cells. MSE and errors of colour are shown times 1000; the last
        columns are the ratios of SAD, MSE and time to closed-form and the pictures
        with a lower SAD.
    """
    names = list(rows[0])[:3]  # part, picture or their number, method
    colours = {key: name for key, name in COLOURS.items() if key in rows[0]}
    heading = [*names, *MEASURES.values(), *colours.values(), *SECONDS.values()]
    if "ratio" in rows[0]:
        heading += ["SAD ratio", "MSE ratio", "time ratio", "lower SAD"]
    lines = [heading]
    for row in rows:
        line = [str(row[name]) or "-" for name in names]
        line += [f"{row['sad']:.3f}", f"{1000 * row['mse']:.2f}"]
        line += [f"{row['gradient']:.3f}", f"{row['connectivity']:.3f}"]
        line += [
            "-" if row[key] is None else f"{1000 * row[key]:.2f}" for key in colours
        ]
        line += [f"{row[key]:.3f}" for key in SECONDS]
        if "ratio" in row:
            ratio, better = row["ratio"] or {}, row["better"] or {}
            line += [
                "-" if ratio.get(key) is None else f"{ratio[key]:.3f}"
                for key in ("sad", "mse", "seconds")
            ]
            line.append(f"{better['sad']} of {row[names[1]]}" if better else "-")
        lines.append(line)
    return lines


def list_notes(rows: list[dict]) -> list[str]:
    """Says in a line each what did not go as planned, and in which pictures."""
    met: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row["note"]:
            picture = " ".join(filter(None, list(row.values())[:2]))
            met.setdefault((row["method"], row["note"]), []).append(picture)
    return [
        f"{method}, {note}: {', '.join(pictures)}"
        for (method, note), pictures in met.items()
    ]


def print_table(lines: list[list[str]]) -> None:
    """Prints cells under each other, names to the left and numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [
            cell.ljust(width) if column < 3 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
