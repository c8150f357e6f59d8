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
"""

import argparse
import contextlib
import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from model import interrupt

if __name__ == "__main__":
    interrupt.leave_at_once("eval.py")  # while it loads the rest

import cv2
from tqdm import tqdm

from model import (
    __version__,
    batch,
    checkpoint,
    clip,
    doctor,
    film,
    images,
    matting,
    network,
    outputs,
    places,
    predict,
    video,
)
from model import trimap as trimaps

LOGDIR = Path(__file__).resolve().parent / "log" / "matting"
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
    # a trimap where there is none
    parser.add_argument(
        "--trimap",
        choices=["auto"],
        help="make the trimap, from one of the next three (the default without TRIMAP)",
    )
    trimaps.add_options(parser)
    # what is written
    parser.add_argument(
        "--alpha", metavar="FILE", type=Path, help="write the alpha alone too, as grey"
    )
    parser.add_argument(
        "--foreground", metavar="FILE", type=Path, help="write the colours alone too"
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
        "--recursive", action="store_true", help="folders inside folders too"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="do again what an output folder holds"
    )
    parser.add_argument(
        "--format", choices=FORMATS, help="of the files in an output folder"
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
        type=parse_rate,
        help="frames a second of a film to write (default: those of the clip; 25)",
    )
    parser.add_argument(
        "--no-steady",
        action="store_true",
        help="matte each frame of a clip by itself, with more flicker",
    )
    # network
    parser.add_argument(
        "--fast",
        action="store_true",
        help="the network sees half of the resolution: half of the time, less detail",
    )
    parser.add_argument(
        "--logdir",
        type=Path,
        default=LOGDIR,
        help="folder of the training run (default: log/matting beside eval.py)",
    )
    parser.add_argument(
        "--checkpoint",
        metavar="STEP",
        type=int,
        default=-1,
        help="snapshot by its training step; -1 is the latest (default: %(default)s)",
    )
    # what is told
    told = parser.add_mutually_exclusive_group()
    told.add_argument("-v", "--verbose", action="store_true", help="a line per picture")
    told.add_argument("-q", "--quiet", action="store_true", help="errors only")
    args = parser.parse_intermixed_args(argv)
    made = [name for name in ("mask", "box", "scribbles") if getattr(args, name)]
    if args.guide and (made or args.trimap):
        parser.error("TRIMAP is given; leave out --trimap, --mask, --box, --scribbles")
    if not args.guide and len(made) != 1:
        parser.error(
            "give INPUT TRIMAP OUTPUT; or INPUT OUTPUT and one of --mask, --box, "
            "--scribbles"
        )
    from_stdin = [args.input, args.guide, args.mask, args.scribbles]
    if from_stdin.count(places.STANDARD) > 1:
        parser.error("only one file can come from standard input; name the other")
    return args


def parse_rate(text: str) -> Fraction:
    """Reads a frame rate as it is written on a command line.

    Args:
        text: Such as `25`, `23.976` or `30000/1001`.

    Returns:
        Frames a second.

    Raises:
        ArgumentTypeError: If it is something else.
    """
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate < 10000:
        raise argparse.ArgumentTypeError(
            f"got {text!r}; give frames a second, such as 25 or 30000/1001"
        )
    return rate


def is_clip(args: argparse.Namespace) -> bool:
    """Tells whether the frames of a clip are wanted, not a picture or a folder."""
    is_file = args.input.suffix.lower() in clip.ENDINGS and not args.input.is_dir()
    is_made = args.input.is_dir() and film.is_film(args.output)
    return args.video or is_file or is_made


@contextlib.contextmanager
def plain_failures() -> Iterator[None]:
    """Makes a `RuntimeError` of what matting may fail by."""
    try:
        yield
    except MemoryError as error:
        raise RuntimeError("out of memory") from error
    except cv2.error as error:
        raise RuntimeError(f"OpenCV: {error.err}") from error


class Cutter:
    """Takes pictures from their files to the files of their mattes."""

    def __init__(self, args: argparse.Namespace):
        """Understands the options; no network is loaded yet.

        Args:
            args: The options of the command line.

        Raises:
            FileNotFoundError: If there is no such snapshot.
            ValueError: If an option is wrong.
        """
        self.args = args
        self.background = (
            outputs.parse_background(args.composite) if args.composite else None
        )
        checkpoint.find_snapshot(args.logdir, args.checkpoint)
        self.network = None
        self.written: list[Path] = []

    def cut(self, image: Path, guide: Path | None, targets: places.Targets) -> None:
        """Mattes one picture.

        Args:
            image: The picture.
            guide: Its trimap, mask or strokes; None if a box is given.
            targets: The files to write.

        Raises:
            OSError: If a file is missing, not readable or not writable.
            RuntimeError: If the network fails.
            ValueError: If a file is not what it should be.
        """
        args = self.args
        behind = Path(args.composite) if args.composite else None
        read = [
            path
            for path in (image, guide, behind)
            if path and path != places.STANDARD and path.exists()
        ]
        is_composite = self.background is not None
        places.check_targets(targets, read, is_composite, args.bits)
        with plain_failures():
            photograph = images.read_photograph(image)
            trimap = self.read_trimap(photograph.pixels, guide)
            places.check_size(targets, trimap.shape)
            self.load()
            matte = predict.predict(self.network, photograph.pixels, trimap, args.fast)
            pictures = outputs.render(
                photograph.pixels, matte, targets, self.background, args.bits
            )
            outputs.write_all(
                pictures, photograph.profile, photograph.resolution, self.written
            )
        if args.verbose:
            print(f"{image}: {targets.output}", file=sys.stderr)

    def read_trimap(self, image, guide: Path | None):
        """Reads or makes the trimap of a picture.

        Args:
            image: (H, W, 3) float32 in [0, 1].
            guide: Trimap, mask or strokes; None if a box is given.

        Returns:
            (H, W) uint8 codes.

        Raises:
            OSError: If the file is missing or not readable.
            ValueError: If it is no picture or does not belong to the image.
        """
        args = self.args
        if not args.guide:
            mask, strokes = (
                guide if wanted else None for wanted in (args.mask, args.scribbles)
            )
            return trimaps.from_options(image, mask, strokes, args.box, args.band)
        trimap = images.read_trimap(guide)
        # of a clip, some frames may be without the object
        check = matting.check_size if is_clip(args) else matting.check_pair
        try:
            check(image, trimap)
        except ValueError as error:
            raise ValueError(f"{guide}: {error}") from error
        return trimap

    def load(self) -> None:
        """Loads the network, if that has not been done.

        Raises:
            OSError: If it is not there.
            RuntimeError: If what exports it is not installed.
            ValueError: If it is damaged.
        """
        if self.network is None:
            try:
                self.network = network.load_network(
                    self.args.logdir, self.args.checkpoint
                )
            except ImportError as error:
                raise RuntimeError(f"{error}; see --doctor") from error


def cut_out(args: argparse.Namespace) -> None:
    """Mattes one picture.

    Args:
        args: The options of the command line.

    Raises:
        KeyboardInterrupt: After Ctrl-C; it says so where all had been written before.
    """
    targets = places.Targets(args.output, args.alpha, args.foreground)
    guide = args.guide or args.mask or args.scribbles
    cutter = Cutter(args)
    try:
        cutter.cut(args.input, guide, targets)
    except KeyboardInterrupt:
        if cutter.written:
            raise KeyboardInterrupt("all was written") from None
        raise


def place_targets(args: argparse.Namespace, stem: Path) -> places.Targets:
    """Gives the files of one picture in the folders of results; makes their folders.

    Args:
        args: The options of the command line.
        stem: The picture's place in its folder, without ending.

    Returns:
        The files; the output is that of a folder even if it is a film.
    """
    folders = places.Targets(args.output, args.alpha, args.foreground)
    targets = places.in_folders(folders, stem, f".{args.format or 'png'}")
    places.make_folders(targets[film.is_film(args.output) :])
    return targets


def is_done(args: argparse.Namespace, targets: places.Targets) -> bool:
    """Tells whether the files of a picture are there and may stay."""
    return not args.overwrite and all(path.exists() for path in targets if path)


def cut_out_folder(args: argparse.Namespace) -> int:
    """Mattes a folder.

    Args:
        args: The options of the command line.

    Returns:
        Exit code: 0, or 1 if any picture failed.
    """
    guides = args.guide or args.mask or args.scribbles
    written = list(filter(None, (args.output, args.alpha, args.foreground)))
    places.check_folders([args.input, *([guides] if guides else [])], written)
    jobs, problems = batch.find_jobs(args.input, guides, args.recursive, written)
    ending = Path(f"OUTPUT/*.{args.format or 'png'}")
    places.check_ending(ending, args.composite is not None)
    cutter = Cutter(args)

    def work(job: batch.Job) -> bool:
        targets = place_targets(args, job.stem)
        if is_done(args, targets):
            return False
        cutter.cut(job.image, job.guide, targets)
        return True

    args.output.mkdir(parents=True, exist_ok=True)
    places.check_writable(args.output / batch.FAILURES, [])
    cutter.load()
    tally = batch.run_jobs(jobs, problems, args.output, work, args.quiet)
    if not args.quiet or tally.failed:
        told = f"{tally.done} done, {tally.skipped} skipped, {tally.failed} failed"
        where = f": see {args.output / batch.FAILURES}" if tally.failed else ""
        print(f"eval.py: {told}{where}", file=sys.stderr)
    return 1 if tally.failed else 0


def check_clip(args: argparse.Namespace) -> None:
    """Refuses, before a clip is read, what cannot be written of it.

    Args:
        args: The options of the command line.

    Raises:
        OSError: If a film cannot be written.
        ValueError: If a path is not what it should be.
    """
    guides = args.guide or args.mask or args.scribbles
    read = [args.input, *([guides] if guides else [])]
    if places.STANDARD in read:
        raise ValueError("-: a clip cannot come from standard input; name its file")
    written = list(filter(None, (args.alpha, args.foreground)))
    reason = "INPUT is a clip"
    if film.is_film(args.output):
        film.check_ffmpeg(args.output)
        places.check_writable(args.output, read)
    else:
        ending = args.output.suffix.lower()
        if ending in (*clip.ENDINGS, *images.EXTENSIONS) and not args.output.is_dir():
            raise ValueError(
                f"{args.output}: {reason}, so a {ending} file cannot be its cut-out; "
                "end it in .mov or .webm, or give a folder for the frames"
            )
        written.insert(0, args.output)
        kind = Path(f"OUTPUT/*.{args.format or 'png'}")
        places.check_ending(kind, args.composite is not None)
    places.check_folders(read, written, reason)


def tell_clip(args: argparse.Namespace, source: clip.Clip, count: int) -> None:
    """Says in one line what the frames' trimaps are, and that sound is left out.

    Args:
        args: The options of the command line.
        source: The clip.
        count: Of its key frames.
    """
    others = len(source) - count
    told = f"{args.input}: {len(source)} frames, "
    if others:
        told += (
            f"{count} with a trimap, propagated to the other {others} by optical flow"
        )
    else:
        told += "each with a trimap"
    if film.is_film(args.output) and source.is_film:
        told += "; sound is not kept"
    print("eval.py:", told, file=sys.stderr)


def cut_out_clip(args: argparse.Namespace) -> None:
    """Mattes the frames of a clip.

    Args:
        args: The options of the command line.
    """
    check_clip(args)
    cutter = Cutter(args)
    source = clip.Clip(args.input, args.rate)
    keys = clip.find_keys(source, args.guide or args.mask or args.scribbles)

    def read(number: int, image):
        return cutter.read_trimap(image, keys[number])

    for number, photograph in enumerate(source):  # refuses what is wrong anywhere
        if number in keys:
            read(number, photograph.pixels)
    is_film = film.is_film(args.output)
    targets = [place_targets(args, Path(name)) for name in source.names]
    wanted = [is_film or not is_done(args, files) for files in targets]
    if not args.quiet:
        tell_clip(args, source, len(keys))
    cutter.load()
    vague = []
    bar = tqdm(total=sum(wanted), unit="frame", disable=args.quiet or None)
    with plain_failures(), contextlib.ExitStack() as stack:
        stack.enter_context(bar)
        made = (
            stack.enter_context(film.Film(args.output, source.rate))
            if is_film
            else None
        )
        for shot in video.matte_clip(
            cutter.network, source, keys, read, wanted, args.fast, not args.no_steady
        ):
            files, image = targets[shot.number], shot.photograph.pixels
            pictures = outputs.render(
                image, shot.matte, files, cutter.background, args.bits
            )
            if made:
                made.write(outputs.paint(image, shot.matte, cutter.background))
                del pictures[files.output]
            outputs.write_all(
                pictures, shot.photograph.profile, shot.photograph.resolution
            )
            if shot.is_vague:
                vague.append(source.names[shot.number])
            if args.verbose:
                bar.write(f"{args.input}: {source.names[shot.number]}", file=sys.stderr)
            bar.update()
    if vague:
        print(
            f"eval.py: {len(vague)} frames, {vague[0]} to {vague[-1]}: most of the "
            "trimap is unknown there; give one of them a trimap",
            file=sys.stderr,
        )
    if not args.quiet:
        done = sum(wanted)
        print(f"eval.py: {done} done, {len(wanted) - done} skipped", file=sys.stderr)


def tell_kept(args: argparse.Namespace) -> str:
    """Says what there is of a run that did not end well."""
    is_many = args.input.is_dir() or is_clip(args)
    if is_many and not film.is_film(args.output):
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
    args = parse_args(argv)
    try:
        interrupt.raise_from_now()
        if is_clip(args):
            cut_out_clip(args)
        elif args.input.is_dir():
            return cut_out_folder(args)
        else:
            cut_out(args)
    except KeyboardInterrupt as error:
        kept = str(error) or tell_kept(args)
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
    sys.exit(exit_code)
