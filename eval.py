"""Cuts the foreground out of pictures: image + trimap -> transparent picture.

    python eval.py photo.jpg trimap.png cutout.png
    python eval.py photos/ trimaps/ cutouts/
    python eval.py photo.jpg cutout.png --mask mask.png
    python eval.py photo.jpg - --box 40,30,300,400 > cutout.png

The trimap is as large as the image: white where it is foreground, black where it
is background, grey where the network has to find out. Without one it is made from a
mask, a box or strokes. The result holds alpha and the foreground's own colours, the
background's taken out of them.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2

from model import (
    __version__,
    batch,
    checkpoint,
    doctor,
    images,
    matting,
    network,
    outputs,
    predict,
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
        "input", metavar="INPUT", type=Path, help="picture, folder, or - for stdin"
    )
    parser.add_argument(
        "guide",
        metavar="TRIMAP",
        type=Path,
        nargs="?",
        help="picture of the same size: white foreground, black background, grey else; "
        "or a folder of them",
    )
    parser.add_argument(
        "output",
        metavar="OUTPUT",
        type=Path,
        help="RGBA picture to write (.png), not premultiplied; a folder; - for stdout",
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
    if from_stdin.count(outputs.STANDARD) > 1:
        parser.error("only one file can come from standard input; name the other")
    return args


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

    def cut(self, image: Path, guide: Path | None, targets: outputs.Targets) -> None:
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
            if path and path != outputs.STANDARD and path.exists()
        ]
        is_composite = self.background is not None
        outputs.check_targets(targets, read, is_composite, args.bits)
        photograph = images.read_photograph(image)
        trimap = self.read_trimap(photograph.pixels, guide)
        outputs.check_size(targets, trimap.shape)
        self.load()
        try:
            matte = predict.predict(self.network, photograph.pixels, trimap, args.fast)
            pictures = outputs.render(
                photograph.pixels, matte, targets, self.background, args.bits
            )
            outputs.write_all(pictures, photograph.profile, photograph.resolution)
        except MemoryError as error:
            raise RuntimeError("out of memory") from error
        except cv2.error as error:
            raise RuntimeError(f"OpenCV: {error.err}") from error
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
        try:
            matting.check_pair(image, trimap)
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
    """
    targets = outputs.Targets(args.output, args.alpha, args.foreground)
    guide = args.guide or args.mask or args.scribbles
    Cutter(args).cut(args.input, guide, targets)


def check_folders(read: list[Path], written: list[Path]) -> None:
    """Refuses folders that cannot be written, or would mix with others.

    Args:
        read: Of pictures and trimaps.
        written: Of results.

    Raises:
        ValueError: If one is a file, or the same as another.
    """
    taken = list(read)
    for folder in written:
        if folder == outputs.STANDARD:
            raise ValueError("-: INPUT is a folder, so OUTPUT has to be one too")
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"{folder}: a file; INPUT is a folder, so give a folder")
        if any(outputs.is_same_file(folder, other) for other in taken):
            raise ValueError(f"{folder}: given twice; results need a folder by itself")
        taken.append(folder)


def cut_out_folder(args: argparse.Namespace) -> int:
    """Mattes a folder.

    Args:
        args: The options of the command line.

    Returns:
        Exit code: 0, or 1 if any picture failed.
    """
    guides = args.guide or args.mask or args.scribbles
    written = list(filter(None, (args.output, args.alpha, args.foreground)))
    check_folders([args.input, *([guides] if guides else [])], written)
    jobs, problems = batch.find_jobs(args.input, guides, args.recursive, written)
    ending = f".{args.format or 'png'}"
    outputs.check_ending(Path(f"OUTPUT/*{ending}"), args.composite is not None)
    cutter = Cutter(args)

    def place(folder: Path | None, job: batch.Job, ending: str) -> Path | None:
        if folder is None:
            return None
        path = folder / job.stem.with_name(job.stem.name + ending)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def work(job: batch.Job) -> bool:
        targets = outputs.Targets(
            place(args.output, job, ending),
            place(args.alpha, job, ".png"),
            place(args.foreground, job, ".png"),
        )
        if not args.overwrite and all(path.exists() for path in targets if path):
            return False
        cutter.cut(job.image, job.guide, targets)
        return True

    args.output.mkdir(parents=True, exist_ok=True)
    cutter.load()
    tally = batch.run_jobs(jobs, problems, args.output, work, args.quiet)
    if not args.quiet or tally.failed:
        told = f"{tally.done} done, {tally.skipped} skipped, {tally.failed} failed"
        where = f": see {args.output / batch.FAILURES}" if tally.failed else ""
        print(f"eval.py: {told}{where}", file=sys.stderr)
    return 1 if tally.failed else 0


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
        if args.input.is_dir():
            return cut_out_folder(args)
        cut_out(args)
    except KeyboardInterrupt:
        kept = "what is done is kept" if args.input.is_dir() else "nothing was written"
        print(f"eval.py: interrupted, {kept}", file=sys.stderr)
        return 130
    except RuntimeError as error:
        print(f"eval.py: {error}; nothing was written", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        message = str(error)
        if isinstance(error, OSError) and error.strerror and error.filename:
            message = f"{error.filename}: {error.strerror}"
        print("eval.py:", " ".join(message.split()), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
