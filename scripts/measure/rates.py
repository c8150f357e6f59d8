"""What a clocked training comes to: its rates beside what the machine can do."""

from collections import Counter

from scripts.measure import clock, convolutions
from scripts.measure.convolutions import Convolution

ROWS = {  # name in files: name on the screen, format
    "crop": ("crop, pixels", ""),
    "samples_per_second": ("samples/s", ".2f"),
    "step_samples_per_second": ("samples/s, step alone", ".2f"),
    "waiting": ("waiting for input", ".1%"),
    "megapixels_per_second": ("megapixels/s", ".3f"),
    "times_plain": ("times the plain training's", ".2f"),
    "gflop_per_sample": ("GFLOP per sample", ".2f"),
    "gflops": ("GFLOP/s", ".1f"),
    "step_gflops": ("GFLOP/s, step alone", ".1f"),
    "product_gflops": ("ceiling: matrix product, GFLOP/s", ".1f"),
    "convolution_gflops": ("ceiling: its convolutions alone, GFLOP/s", ".1f"),
    "convolution_3x3_gflops": ("ceiling: its 3x3 ones alone, GFLOP/s", ".1f"),
    "share_of_product": ("share of the matrix product", ".1%"),
    "share_of_convolutions": ("share of its convolutions", ".1%"),
    "share_of_3x3": ("share of its 3x3 convolutions", ".1%"),
    "step_share_of_convolutions": ("share of its convolutions, step alone", ".1%"),
}
SHARES = {  # row: of which ceiling
    "share_of_product": "product_gflops",
    "share_of_convolutions": "convolution_gflops",
    "share_of_3x3": "convolution_3x3_gflops",
}


def rate_training(training: dict, batch_size: int, crop: int) -> dict:
    """Gives the rates of a training.

    Args:
        training: As `loop.measure_training` gives it.
        batch_size: Samples in a batch.
        crop: Side of a crop in pixels.

    Returns:
        The rows of `ROWS` that say nothing of ceilings or of other trainings, and
        `waiting_fresh` and `waiting_again`, None without reuse.
    """
    fresh, again = training["fresh"], training["again"]
    whole = clock.in_long_run(fresh, again, training["reuse"])
    gflop = convolutions.count_flop(training["convolutions"]) / batch_size / 1e9
    rates = {
        name: batch_size * span.batches / span.seconds
        for name, span in (("", whole), ("step_", training["step"]))
    }
    found = {f"{name}samples_per_second": each for name, each in rates.items()}
    found |= {f"{name}gflops": gflop * each for name, each in rates.items()}
    return found | {
        "crop": crop,
        "gflop_per_sample": gflop,
        "megapixels_per_second": rates[""] * crop**2 / 1e6,
        "waiting": whole.waited / whole.seconds,
        "waiting_fresh": fresh.waited / fresh.seconds,
        "waiting_again": again and again.waited / again.seconds,
    }


def rate_ceilings(
    counts: Counter[Convolution], seconds: dict[Convolution, float], product: float
) -> dict:
    """Gives what the machine reaches with nothing else to do.

    Args:
        counts: The convolutions of a step.
        seconds: What each takes alone.
        product: GFLOP/s of the matrix product.

    Returns:
        The ceilings of `ROWS`, and `families`: share of the operations, seconds in a
        step and GFLOP/s of each kind of convolution.
    """
    families = {}
    for family in sorted({each.family for each in counts}):
        own = {each: count for each, count in counts.items() if each.family == family}
        families[family] = {
            "share": convolutions.count_flop(own) / convolutions.count_flop(counts),
            "seconds": sum(count * seconds[each] for each, count in own.items()),
            "gflops": convolutions.rate(counts, seconds, family),
        }
    return {
        "product_gflops": product,
        "convolution_gflops": convolutions.rate(counts, seconds),
        "convolution_3x3_gflops": convolutions.rate(counts, seconds, "3x3"),
        "families": families,
    }


def relate(result: dict, plain: dict) -> dict:
    """Adds how a result relates to its ceilings, and to the plain training."""
    area = "megapixels_per_second"
    found = {row: result["gflops"] / result[of] for row, of in SHARES.items()}
    found["step_share_of_convolutions"] = (
        result["step_gflops"] / result["convolution_gflops"]
    )
    return result | found | {"times_plain": result[area] / plain[area]}


def draw_table(results: list[dict]) -> str:
    """Lays the figures out as a Markdown table with a column for each training."""
    names = [result["training"] for result in results]
    lines = [f"| | {' | '.join(names)} |", "|---" * (1 + len(names)) + "|"]
    for row, (label, form) in ROWS.items():
        cells = [format(result[row], form) for result in results]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def list_parts(result: dict) -> list[str]:
    """Says what the figures of a training consist of, a line each."""
    name = result["training"]
    lines = [f"{name}: {result['waiting_fresh']:.1%} waiting for crops that are made"]
    if result["waiting_again"] is not None:
        lines[0] += f", {result['waiting_again']:.1%} for crops that are used again"
    for family, part in result["families"].items():
        lines.append(
            f"{name}: {family}: {part['share']:.1%} of the operations, "
            f"{part['seconds']:.3f} s a step alone, {part['gflops']:.1f} GFLOP/s"
        )
    return lines
