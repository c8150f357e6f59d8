"""Measures the matting of video, on clips whose alpha is known.

    python scripts/benchmark_video.py
    python scripts/benchmark_video.py --limit 4 --every 15 --size 640x480

In go cut-outs and photographs (those rendered ones that are kept out of training, and
the starter set, if nothing else is said). Each cut-out moves over a photograph that
moves too. Out come a table on the screen and `video.json` with every number: errors of
alpha and flicker, with a trimap for each frame and with trimaps for key frames only,
frame by frame and steadied, all on the same frames.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from model import checkpoint, images, matting, predict, propagate, steady
from model.network import load_network
from scripts.help import add_verbosity
from scripts.measure import clips, ending, flicker, table

ROOT = Path(__file__).resolve().parents[1]
RENDERS = ROOT / "scripts" / "renders"
BAND = 0.018  # half of the trimaps' unknown band, as a share of the frame's side


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--foregrounds",
        type=Path,
        help="folder of RGBA cut-outs (default: those of scripts/renders that are kept "
        "out of training)",
    )
    parser.add_argument(
        "--backgrounds",
        type=Path,
        default=ROOT / "scripts" / "starter" / "backgrounds",
        help="folder of photographs (default: scripts/starter/backgrounds)",
    )
    parser.add_argument(
        "--limit", type=int, help="clips, spread over the cut-outs (default: all)"
    )
    parser.add_argument(
        "--size",
        type=parse_size,
        default=(320, 240),
        metavar="WxH",
        help="of the frames (default: 320x240)",
    )
    parser.add_argument(
        "--frames", type=int, default=16, help="of a clip (default: %(default)s)"
    )
    parser.add_argument(
        "--every",
        type=int,
        default=8,
        help="distance of the key frames (default: %(default)s)",
    )
    parser.add_argument(
        "--logdir",
        type=Path,
        default=ROOT / "log" / "matting",
        help="run directory of the checkpoint (default: log/matting)",
    )
    parser.add_argument(
        "--checkpoint",
        type=checkpoint.parse_step,
        default=-1,
        help="its step, or best (default: -1, the newest)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=ROOT / "log" / "benchmark",
        help="folder for video.json (default: log/benchmark)",
    )
    add_verbosity(parser, "print a row per clip too", "errors only; see video.json")
    args = parser.parse_args(arguments)
    if args.frames < 2 or args.every < 1 or (args.limit is not None and args.limit < 1):
        parser.error("give --frames 2, --every 1 and --limit 1 or more")
    return args


def parse_size(text: str) -> tuple[int, int]:
    """Reads a size as `WxH`: width and height in pixels."""
    try:
        width, height = (int(number) for number in text.lower().split("x"))
    except ValueError:
        width = height = 0
    if min(width, height) < 32:
        raise argparse.ArgumentTypeError(f"got {text!r}; give WxH, 32x32 or more")
    return width, height


def find_pictures(folder: Path | None) -> list[Path]:
    """Lists the pictures of a folder, or the renders kept out of training, sorted.

    Args:
        folder: The folder, or None for the renders.

    Raises:
        FileNotFoundError: If there is none.
    """
    if folder is None:
        with open(RENDERS / "manifest.csv", encoding="utf-8", newline="") as rows:
            kept = [row for row in csv.DictReader(rows) if row["split"] == "heldout"]
        return sorted(RENDERS / row["path"] for row in kept)
    found = folder.iterdir() if folder.is_dir() else ()
    paths = sorted(path for path in found if path.suffix.lower() in images.EXTENSIONS)
    if not paths:
        raise FileNotFoundError(f"{folder}: no picture in this folder")
    return paths


def measure_clip(network, frames: list[clips.Frame], every: int) -> dict[str, dict]:
    """Mattes one clip in all ways.

    Args:
        network: As of `predict.run`.
        frames: The clip.
        every: Distance of the key frames; the last frame is one too.

    Returns:
        The measures by the way's name.
    """
    alphas = np.stack([frame.alpha for frame in frames])
    radius = max(1, round(BAND * np.sqrt(alphas[0].size)))
    painted = [matting.trimap_from_alpha(alpha, radius, radius) for alpha in alphas]
    last = len(frames) - 1
    measures = {}
    for name, keys in (
        ("all trimaps", range(len(frames))),
        (f"key frames, every {every}", {*range(0, last, every), last}),
    ):
        pictures = [frame.image for frame in frames]
        guides = propagate.propagate(pictures, keys, lambda at, image: painted[at])
        looks = [
            steady.Look(
                image, guide.trimap, predict.run(network, image, guide.trimap)["alpha"]
            )
            for image, guide in zip(pictures, guides, strict=True)
        ]
        plain = np.stack([look.alpha for look in looks])
        measures[f"{name}, frame by frame"] = flicker.measure(alphas, plain)
        smooth = np.stack(list(steady.steady(looks)))
        measures[f"{name}, steady"] = flicker.measure(alphas, smooth)
    return measures


def benchmark(args: argparse.Namespace) -> None:
    """Checks the input, runs everything, writes the file and prints the table."""
    cutouts = find_pictures(args.foregrounds)
    photographs = find_pictures(args.backgrounds)
    count = min(args.limit or len(cutouts), len(cutouts))
    places = np.linspace(0, len(cutouts) - 1, count).round().astype(int)
    args.output.mkdir(parents=True, exist_ok=True)
    network = load_network(args.logdir, args.checkpoint)
    rows = []
    # neighbours differ, and every photograph has its turn
    stride = 7 if len(photographs) % 7 else 1
    for seed, place in enumerate(places):
        photograph = photographs[stride * seed % len(photographs)]
        frames = list(
            clips.make_clip(cutouts[place], photograph, args.size, args.frames, seed)
        )
        name = f"{cutouts[place].stem} {photograph.stem}"
        for method, measures in measure_clip(network, frames, args.every).items():
            rows.append({"clip": name, "method": method} | measures)
            if not args.quiet:
                print(*flicker.lay_out(rows[-1:])[1], file=sys.stderr)
    means = flicker.summarise(rows)
    (args.output / "video.json").write_text(
        json.dumps({"means": means, "rows": rows}, indent=1) + "\n"
    )
    if args.quiet:
        return
    table.print_table(flicker.lay_out((rows if args.verbose else []) + means))
    for mean in means[1:]:
        lower = ", ".join(
            f"{flicker.HEADS[key]} {n}" for key, n in mean["lower"].items()
        )
        print(f"{mean['method']}: lower than the first on clips: {lower}")


def main(arguments: list[str] | None = None) -> int:
    """Runs the program; returns its exit code."""
    args = parse_args(arguments)
    return ending.end("benchmark_video", lambda: benchmark(args))


if __name__ == "__main__":
    sys.exit(main())
