"""Cuts the foreground out of pictures: image + trimap -> transparent picture.

    python eval.py photo.jpg trimap.png cutout.png
    python eval.py photos/ trimaps/ cutouts/
    python eval.py photo.jpg cutout.png --mask mask.png
    python eval.py photo.jpg - --box 40,30,300,400 > cutout.png
    python eval.py clip.mp4 trimaps/ cutout.mov

The trimap is as large as the image: white where it is foreground, black where it
is background, grey where the network has to find out. Without one it is made from a
mask, a box or strokes. The result holds alpha and the foreground's own colours, the
background's taken out of them. A clip needs trimaps of some of its frames only, which
are propagated to the others by optical flow.

Here is the command line. The work is done by `model.cutting` on a picture, by
`model.folder` on many and by `model.footage` on a clip.
"""

import argparse
import gc
import sys
from collections.abc import Sequence
from pathlib import Path

from model import interrupt

if __name__ == "__main__":
    interrupt.leave_at_once("eval.py")  # while it loads the rest

from model import (
    __version__,
    checkpoint,
    clip,
    cutting,
    doctor,
    film,
    folder,
    footage,
    pipeline,
    places,
    predict,
)
from model import trimap as trimaps
from model.batch import FAILURES

FORMATS = ("png", "webp", "tif", "jpg")  # of the files in an output folder


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line.

    Args:
        argv: The arguments; those of the process if None.

    Returns:
        The options.
    """
    parser = argparse.ArgumentParser(
        prog="eval.py",
        usage="eval.py [options] INPUT [TRIMAP] OUTPUT",
        description="Cuts the foreground out of a picture, or of a folder of them.",
    )
    parser.add_argument("--version", action="version", version=f"eval.py {__version__}")
    parser.add_argument(
        "--doctor",
        action=doctor.Doctor,
        nargs=0,
        help="tell versions and snapshots, and end",
    )
    # files
    parser.add_argument(
        "input",
        metavar="INPUT",
        type=Path,
        help="picture, folder, film, or - for stdin",
    )
    parser.add_argument(
        "guide",
        metavar="TRIMAP",
        type=Path,
        nargs="?",
        help="picture of the same size: white foreground, black background, grey else; "
        "or a folder of them; for a clip of all or some frames, by their names or "
        "numbers, or one of the first",
    )
    parser.add_argument(
        "output",
        metavar="OUTPUT",
        type=Path,
        help="RGBA picture to write (.png), not premultiplied; a folder; a film (.mov: "
        "ProRes 4444, .webm), without sound; - for stdout",
    )
    parser.add_argument(
        "--translucent",
        action="store_true",
        help="the object is opaque nowhere, like smoke, glass, a veil: TRIMAP needs no "
        "foreground",
    )
    # a trimap where there is none
    parser.add_argument(
        "--trimap",
        choices=["auto"],
        help="make the trimap, from one of the next three (the default without TRIMAP)",
    )
    trimaps.add_options(parser)
    # what is written
    parser.add_argument(
        "--alpha",
        metavar="FILE",
        type=Path,
        help="write the alpha alone too, as grey; of folders and clips a folder of PNG "
        "files",
    )
    parser.add_argument(
        "--foreground",
        metavar="FILE",
        type=Path,
        help="write the colours alone too; of folders and clips a folder of PNG files",
    )
    parser.add_argument(
        "--composite",
        metavar="BACKGROUND",
        help="write no cut-out but the foreground over a picture, a colour, blur or "
        "checkerboard",
    )
    parser.add_argument(
        "--bits", type=int, choices=[8, 16], default=8, help="of --alpha (default: 8)"
    )
    # folders
    parser.add_argument(
        "--recursive",
        action="store_true",
        help="folders inside folders too, but not through links",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="do again what an output folder holds"
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="of the files in an output folder (default: png)",
    )
    # clips
    parser.add_argument(
        "--video",
        action="store_true",
        help="INPUT is a clip: a folder of frames in the order of their names "
        "(understood where INPUT or OUTPUT ends like a film)",
    )
    parser.add_argument(
        "--rate",
        type=clip.parse_rate,
        help="frames a second of a film to write (default: those of the clip; 25)",
    )
    parser.add_argument(
        "--no-steady",
        action="store_true",
        help="matte each frame of a clip by itself, with more flicker",
    )
    # network
    snapshot = parser.add_mutually_exclusive_group()
    snapshot.add_argument(
        "--logdir",
        type=Path,
        default=pipeline.LOGDIR,
        help="folder of the training run (default: log/matting beside eval.py)",
    )
    snapshot.add_argument(
        "--fast",
        dest="logdir",
        action="store_const",
        const=pipeline.FAST,
        help="that of log/matting-fast: 0.3 of the time once it is loaded, less detail",
    )
    parser.add_argument(
        "--fine",
        dest="views",
        action="store_const",
        const=predict.FINE_VIEWS,
        default=predict.ONCE,
        help="the mean of the picture as it is and enlarged by a half: 3 times the "
        "time, sharper edges; up to 2.7 megapixels",
    )
    parser.add_argument(
        "--checkpoint",
        metavar="STEP",
        type=checkpoint.parse_step,
        default=-1,
        help="snapshot by its training step; -1 is the latest, best that of the lowest "
        "validation error (default: %(default)s)",
    )
    # what is told
    told = parser.add_mutually_exclusive_group()
    told.add_argument("-v", "--verbose", action="store_true", help="a line per picture")
    told.add_argument(
        "-q", "--quiet", action="store_true", help="errors and warnings only"
    )
    args = parser.parse_intermixed_args(spell_out(argv))
    made = [name for name in ("mask", "box", "scribbles") if getattr(args, name)]
    if args.guide and (made or args.trimap):
        parser.error("TRIMAP is given; leave out --trimap, --mask, --box, --scribbles")
    if args.translucent and not args.guide:
        parser.error("--translucent: needs a TRIMAP, grey where the object is")
    if not args.guide and len(made) != 1:
        parser.error(
            "give INPUT TRIMAP OUTPUT; or INPUT OUTPUT and one of --mask, --box, "
            "--scribbles"
        )
    from_stdin = [args.input, args.guide, args.mask, args.scribbles]
    if from_stdin.count(places.STANDARD) > 1:
        parser.error("only one file can come from standard input; name the other")
    return args


def spell_out(argv: Sequence[str] | None) -> list[str]:
    """Gives names after `--` that begin like options their folder.

    `parse_intermixed_args` forgets between its two rounds where `--` was.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if "--" not in arguments:
        return arguments
    at = arguments.index("--")
    names = arguments[at + 1 :]
    standard = str(places.STANDARD)
    return arguments[:at] + [
        f"./{name}" if name.startswith("-") and name != standard else name
        for name in names
    ]


def is_clip(args: argparse.Namespace) -> bool:
    """Tells whether the frames of a clip are wanted, not a picture or a folder."""
    is_file = args.input.suffix.lower() in clip.ENDINGS and not args.input.is_dir()
    is_named = args.output.suffix.lower() in clip.ENDINGS and not args.output.is_dir()
    is_made = args.input.is_dir() and is_named
    return args.video or is_file or is_made


def read_options(args: argparse.Namespace) -> cutting.Options:
    """Gathers what the work on each picture depends on."""
    made = (kind for kind in ("mask", "box", "scribbles") if getattr(args, kind))
    return cutting.Options(
        logdir=args.logdir,
        checkpoint=args.checkpoint,
        translucent=args.translucent,
        kind=next(made, "trimap"),
        box=args.box,
        band=args.band,
        composite=args.composite,
        bits=args.bits,
        views=args.views,
        verbose=args.verbose,
    )


def paths_of(args: argparse.Namespace) -> tuple[Path, Path | None, places.Targets]:
    """Gives what is read, its trimaps or what they are made from, and what is written.

    Each is a file or a folder; there is nothing in the middle if a box is given.
    """
    guides = args.guide or args.mask or args.scribbles
    return args.input, guides, places.Targets(args.output, args.alpha, args.foreground)


def cut_out_folder(args: argparse.Namespace) -> int:
    """Mattes a folder, and says what became of it.

    Args:
        args: The options of the command line.

    Returns:
        Exit code: 0, or 1 if any picture failed.
    """
    tally = folder.cut_folder(
        read_options(args),
        *paths_of(args),
        ending=f".{args.format or 'png'}",
        recursive=args.recursive,
        overwrite=args.overwrite,
        quiet=args.quiet,
    )
    if not args.quiet or tally.failed:
        told = f"{tally.done} done, {tally.skipped} skipped, {tally.failed} failed"
        where = f": see {args.output / FAILURES}" if tally.failed else ""
        print(f"eval.py: {told}{where}", file=sys.stderr)
    return 1 if tally.failed else 0


def cut_out_clip(args: argparse.Namespace, written: list[Path]) -> None:
    """Mattes the frames of a clip, and says what became of them.

    Args:
        args: The options of the command line.
        written: Gets the output when all is written.
    """
    frames = footage.Footage(
        read_options(args),
        *paths_of(args),
        ending=f".{args.format or 'png'}",
        rate=args.rate,
        overwrite=args.overwrite,
    )
    if not args.quiet:
        print(f"eval.py: {args.input}: {frames.describe()}", file=sys.stderr)
    if frames.source.missing:
        print(
            f"eval.py: {args.input}: cut short, its header tells of "
            f"{frames.source.missing} frames more; those that are there are matted",
            file=sys.stderr,
        )
    vague = frames.cut(is_steady=not args.no_steady, quiet=args.quiet)
    written.append(args.output)
    if vague:
        print(
            f"eval.py: {len(vague)} frames, {vague[0]} to {vague[-1]}: most of the "
            "trimap is unknown there; give one of them a trimap",
            file=sys.stderr,
        )
    if not args.quiet:
        done = sum(frames.wanted)
        skipped = len(frames.wanted) - done
        print(f"eval.py: {done} done, {skipped} skipped", file=sys.stderr)


def tell_kept(args: argparse.Namespace) -> str:
    """Says what there is of a run that did not end well."""
    is_many = args.input.is_dir() or is_clip(args)
    if is_many and (args.alpha or args.foreground or not film.is_film(args.output)):
        return "what is done is kept"
    return "nothing was written"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: The arguments; those of the process if None.

    Returns:
        Exit code: 0 done, 1 the network or pictures of a folder failed, 2 bad
        arguments or input, 130 stopped by Ctrl-C.
    """
    places.keep_stderr()
    args = parse_args(argv)
    written: list[Path] = []
    try:
        interrupt.raise_from_now()
        if is_clip(args):
            cut_out_clip(args, written)
        elif args.input.is_dir():
            return cut_out_folder(args)
        else:
            cutting.cut_picture(read_options(args), *paths_of(args), written)
    except KeyboardInterrupt:
        kept = "all was written" if written else tell_kept(args)
        print(f"eval.py: interrupted, {kept}", file=sys.stderr)
        return 130
    except RuntimeError as error:
        told = " ".join(str(error).split())
        print(f"eval.py: {told}; {tell_kept(args)}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        message = str(error)
        if isinstance(error, OSError) and error.strerror and error.filename:
            message = f"{error.filename}: {error.strerror}"
        print("eval.py:", " ".join(message.split()), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    exit_code = main()
    interrupt.ignore_from_now()
    gc.freeze()  # or Python would look for garbage once more, for 0.2 seconds
    sys.exit(exit_code)
