"""How long whole commands take, from the start of Python to its end."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "images/example.jpg", ROOT / "images/example-trimap.png"
REPEATS = 7  # of which the median counts, after one that warms the disk's cache
# what somebody would write who has pymatting alone
SCRIPT = """\
import sys
from pymatting import (
    estimate_alpha_cf, estimate_foreground_ml, load_image, save_image, stack_images
)
image, trimap = load_image(sys.argv[1], "RGB"), load_image(sys.argv[2], "GRAY")
alpha = estimate_alpha_cf(image, trimap)
foreground = estimate_foreground_ml(image, alpha)
save_image(sys.argv[3], stack_images(foreground, alpha))
"""
PEER = "closed-form, a script"
COMMANDS = {
    PEER: ("-c", SCRIPT),
    "eval.py": (str(ROOT / "eval.py"),),
    "eval.py --fast": (str(ROOT / "eval.py"), "--fast"),
}


def measure_commands(methods: Iterable[str], is_quiet: bool = False) -> list[dict]:
    """Times whole commands that cut the example out, in turn.

    Args:
        methods: What is measured, the script only with `closed-form`.
        is_quiet: Whether no progress is told.

    Returns:
        Rows: `command`, `seconds` (the median), and `ratio` to the script or None.

    Raises:
        ChildProcessError: If a command fails.
    """
    chosen = [name for name in COMMANDS if name != PEER or "closed-form" in methods]
    seconds: dict[str, list[float]] = {name: [] for name in chosen}
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "cutout.png"
        for _ in range(1 + REPEATS):
            for name in chosen:
                command = [sys.executable, *COMMANDS[name], *PICTURE, output]
                start = time.perf_counter()
                run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
                seconds[name].append(time.perf_counter() - start)
                if run.returncode:
                    last = (run.stderr.strip().splitlines() or ["it said nothing"])[-1]
                    raise ChildProcessError(f"{name}: failed, {last}")
    medians = {name: statistics.median(times[1:]) for name, times in seconds.items()}
    rows = []
    for name, median in medians.items():
        ratio = median / medians[PEER] if PEER in medians else None
        rows.append({"command": name, "seconds": median, "ratio": ratio})
        if not is_quiet:
            print(f"{name}: {median:.2f} s", file=sys.stderr)
    return rows


def lay_out(rows: list[dict]) -> list[list[str]]:
    """Lays rows of `measure_commands` out as cells, a heading first."""
    lines = [["whole command", "seconds", "time ratio"]]
    for row in rows:
        ratio = "-" if row["ratio"] is None else f"{row['ratio']:.3f}"
        lines.append([row["command"], f"{row['seconds']:.2f}", ratio])
    return lines
