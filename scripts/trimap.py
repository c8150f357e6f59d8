"""Makes a trimap out of a mask, a box or strokes, and nothing else.

    python scripts/trimap.py photo.jpg trimap.png --mask mask.png
    python scripts/trimap.py photo.jpg trimap.png --box 40,30,300,400

The same as eval.py does without a TRIMAP; here the trimap can be looked at, and
painted over, before it is used.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import argparse  # noqa: E402

import cv2  # noqa: E402

from model import images, matting, places, trimap  # noqa: E402
from scripts.help import add_verbosity  # noqa: E402


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input", type=Path, help="the photograph")
    parser.add_argument("output", type=Path, help="the trimap to write (.png)")
    trimap.add_options(parser)
    add_verbosity(parser, "tell how much is foreground, background and unknown")
    args = parser.parse_args(arguments)
    if not (args.mask or args.box or args.scribbles):
        parser.error("give one of --mask, --box, --scribbles")
    if [args.input, args.mask, args.scribbles].count(places.STANDARD) > 1:
        parser.error("only one file can come from standard input; name the other")
    return args


def describe(codes) -> str:
    """Tells the shares of a trimap.

    Args:
        codes: (H, W) uint8.

    Returns:
        Such as `20% foreground, 70% background, 10% unknown`.
    """
    names = {
        "foreground": matting.FOREGROUND,
        "background": matting.BACKGROUND,
        "unknown": matting.UNKNOWN,
    }
    shares = {name: (codes == code).mean() for name, code in names.items()}
    return ", ".join(f"{share:.0%} {name}" for name, share in shares.items())


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    args = parse_args(arguments)
    guide = args.mask or args.scribbles
    try:
        if args.output.suffix.lower() not in places.LOSSLESS:
            raise ValueError(
                f"{args.output}: {args.output.suffix or 'no ending'} is no format that "
                "keeps the three greys; end it in .png"
            )
        read = [path for path in (args.input, guide) if path]
        places.check_writable(args.output, read)
        image = images.read_image(args.input)
        codes = trimap.from_options(
            image, args.mask, args.scribbles, args.box, args.band
        )
        images.write_image(args.output, codes)
        if args.verbose:
            print(f"{args.output}: {describe(codes)}", file=sys.stderr)
    except KeyboardInterrupt:
        print("trimap.py: interrupted, nothing was written", file=sys.stderr)
        return 130
    except (OSError, ValueError) as error:
        print(f"trimap.py: {error}", file=sys.stderr)
        return 2
    except MemoryError:
        print("trimap.py: out of memory; nothing was written", file=sys.stderr)
        return 1
    except cv2.error as error:
        print(f"trimap.py: OpenCV: {error.err}; nothing was written", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
