"""Draws the README's pictures: result.png, demo.png, auto.png and translucent.png.

    python scripts/pictures.py scripts/dataset/heldout/composites

result.png has one row for each of some validation pairs: input, trimap, the
foreground extracted by the generator trained alone, by the one trained against
the discriminator, and the truth, on a checkerboard. Composites of held-out pictures
are best, which no training saw (`make pictures`). demo.png is the example photograph,
its trimap and cut-out. auto.png shows what boxes make of photographs of the starter
set. translucent.png, drawn if composites are named for it, shows things that light
passes through over a new background.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from model import checkpoint, guides, images, matting, trimap  # noqa: E402
from model.composites import Composites  # noqa: E402
from model.network import load_network  # noqa: E402
from model.predict import predict  # noqa: E402
from scripts.help import add_verbosity  # noqa: E402

HEADS = ("input", "trimap", "without GAN", "with GAN", "truth")
OVER_HEADS = ("input", "trimap", "alpha", "over a new background", "truth over it")
AUTO_HEADS = ("input and box", "trimap of it", "cut-out")
BOXES = {  # photographs of the starter set: x, y, width, height
    "marigold-01": (337, 38, 686, 576),
    "dandelions-01": (102, 34, 409, 322),
    "fig-bowl-01": (204, 13, 819, 665),
}
HEAD_HEIGHT = 28  # pixels
GAP = 4  # pixels between pictures


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    data = ROOT / "scripts/data"
    add("data", type=Path, nargs="?", default=data, help="made by scripts/combine.py")
    add("--plain", type=Path, default=ROOT / "log/matting", help="run without GAN")
    add("--gan", type=Path, default=ROOT / "log/matting-gan", help="run with GAN")
    step = checkpoint.parse_step
    add("--checkpoint", type=step, default=-1, help="of both runs; -1 is the newest")
    add("--names", nargs="+", help="composites to show; by default some of each kind")
    add("--rows", type=int, default=5, help="how many, without --names")
    add("--translucent", nargs="+", default=[], help="composites for translucent.png")
    over = ROOT / "scripts/starter/backgrounds/dandelions-01.jpg"
    add("--over", type=Path, default=over, help="new background of translucent.png")
    add("--width", type=int, default=320, help="of one picture, pixels")
    add("--output", type=Path, default=ROOT / "images", help="folder to draw into")
    add_verbosity(parser, "tell each picture while it is drawn")
    options = parser.parse_args(arguments)
    for name in ("rows", "width"):
        if vars(options)[name] < 1:
            parser.error(f"--{name}: got {vars(options)[name]}; give 1 or more")
    return options


def choose_pairs(
    composites: Composites, names: list[str] | None, rows: int
) -> list[dict]:
    """Reads the named composites, or some spread over the foregrounds.

    Args:
        composites: The validation split.
        names: Names of composites, or None.
        rows: How many without names.

    Returns:
        As `Composites.read` gives them, each with its `name`.

    Raises:
        ValueError: If there is no composite of a name.
    """
    names = names or composites.spread(rows)
    for name in names:
        if name not in composites.names:
            raise ValueError(
                f"--names: no {name} in {composites.directory}; there are "
                f"{', '.join(composites.names[:5])} and so on"
            )
    return [{"name": name, **composites.read(name)} for name in names]


def draw_row(pair: dict, networks: list, width: int) -> np.ndarray:
    """Mattes one pair with each network and lays the pictures side by side.

    Args:
        pair: `image` (H, W, 3) and `trimap` (H, W), and for a last column with the
            truth `foreground` (H, W, 3) and `alpha` (H, W).
        networks: In the order of their columns.
        width: Of one picture in pixels.

    Returns:
        (h, W', 3) float32 in [0, 1].
    """
    board = matting.checkerboard(*pair["trimap"].shape, square=24)
    cutouts = [predict(network, pair["image"], pair["trimap"]) for network in networks]
    cutouts = [(matte.foreground, matte.alpha) for matte in cutouts]
    if "alpha" in pair:
        cutouts.append((pair["foreground"], pair["alpha"]))
    pictures = [pair["image"], as_colour(pair["trimap"] / 255)]
    pictures += [matting.composite(colour, board, alpha) for colour, alpha in cutouts]
    return lay_out(pictures, width)


def draw_auto_row(name: str, network, width: int) -> np.ndarray:
    """Cuts out what a box shows in a photograph of the starter set.

    Args:
        name: One of `BOXES`.
        network: As `network.load_network` gives it.
        width: Of one picture in pixels.

    Returns:
        (h, W', 3) float32 in [0, 1].
    """
    image = images.read_image(ROOT / f"scripts/starter/backgrounds/{name}.jpg")
    x, y, across, down = BOXES[name]
    codes = trimap.from_box(image, BOXES[name])
    matte = predict(network, image, codes)
    board = matting.checkerboard(*codes.shape, square=24)
    marked = image.copy()
    cv2.rectangle(marked, (x, y), (x + across, y + down), (1, 0, 0), 5)
    return lay_out([marked, as_colour(codes / 255), matte.composite(board)], width)


def draw_over_row(
    pair: dict, network, background: np.ndarray, width: int
) -> np.ndarray:
    """Mattes one pair and shows it, and the truth, over a new background.

    Args:
        pair: As of `draw_row`, with the truth.
        network: As `network.load_network` gives it.
        background: (any, any, 3) float32 in [0, 1].
        width: Of one picture in pixels.

    Returns:
        (h, W', 3) float32 in [0, 1].
    """
    matte = predict(network, pair["image"], pair["trimap"])
    size = pair["trimap"].shape[::-1]
    behind = cv2.resize(background, size, interpolation=cv2.INTER_AREA)
    pictures = [pair["image"], as_colour(pair["trimap"] / 255), as_colour(matte.alpha)]
    for colour, alpha in (matte[::-1], (pair["foreground"], pair["alpha"])):
        pictures.append(matting.composite(colour, behind, alpha, matting.CAMERA_GAMMA))
    return lay_out(pictures, width)


def as_colour(grey: np.ndarray) -> np.ndarray:
    """Repeats (H, W) to (H, W, 3)."""
    return np.repeat(grey[..., None], 3, axis=2)


def lay_out(pictures: list[np.ndarray], width: int) -> np.ndarray:
    """Shrinks pictures of one size to a width and lays them side by side."""
    height = round(pictures[0].shape[0] * width / pictures[0].shape[1])
    gap = np.ones((height, GAP, 3), np.float32)
    row = []
    for picture in pictures:
        small = cv2.resize(
            picture.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA
        )
        row += [small, gap]
    return np.concatenate(row[:-1], axis=1)


def draw_heads(names: tuple[str, ...], width: int) -> np.ndarray:
    """Writes the names of the columns, (HEAD_HEIGHT, W', 3) float32 in [0, 1]."""
    heads = np.full((HEAD_HEIGHT, len(names) * (width + GAP) - GAP, 3), 255, np.uint8)
    for number, head in enumerate(names):
        corner = (number * (width + GAP) + 4, HEAD_HEIGHT - 9)
        cv2.putText(heads, head, corner, cv2.FONT_HERSHEY_SIMPLEX, 0.55, (0, 0, 0), 1)
    return heads.astype(np.float32) / 255


def stack(heads: tuple[str, ...], rows: list[np.ndarray], width: int) -> np.ndarray:
    """Puts rows below each other, under the names of their columns."""
    parts = [draw_heads(heads, width)]
    gap = np.ones((GAP, parts[0].shape[1], 3), np.float32)
    for row in rows:
        parts += [row, gap]
    return np.concatenate(parts[:-1])


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_args(arguments)
    try:
        composites = Composites(options.data, "val")
        pairs = choose_pairs(composites, options.names, options.rows)
        translucent, behind = [], None
        if options.translucent:
            translucent = choose_pairs(composites, options.translucent, 0)
            behind = images.read_image(options.over)
        networks = [
            load_network(logdir, options.checkpoint)
            for logdir in (options.plain, options.gan)
        ]
        rows = [draw_row(pair, networks, options.width) for pair in pairs]
        drawn = {"result.png": stack(HEADS, rows, options.width)}
        example = {
            "image": images.read_image(ROOT / "images/example.jpg"),
            "trimap": guides.read_trimap(ROOT / "images/example-trimap.png"),
        }
        drawn["demo.png"] = draw_row(example, networks[:1], options.width)
        rows = [draw_auto_row(name, networks[0], options.width) for name in BOXES]
        shape = rows[0].shape[:2]
        rows = [cv2.resize(row, shape[::-1]) for row in rows]
        drawn["auto.png"] = stack(AUTO_HEADS, rows, options.width)
        if translucent:
            rows = [
                draw_over_row(pair, networks[0], behind, options.width)
                for pair in translucent
            ]
            drawn["translucent.png"] = stack(OVER_HEADS, rows, options.width)
        for name, picture in drawn.items():
            if options.verbose:
                height, width = picture.shape[:2]
                print(f"{name}: {width}x{height} pixels", file=sys.stderr)
            images.write_image(options.output / name, picture)
    except (OSError, ValueError) as error:
        print(f"pictures.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("pictures.py: interrupted", file=sys.stderr)
        return 130
    for name in drawn if not options.quiet else ():
        print(options.output / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
