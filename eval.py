"""Cuts the foreground out of a picture: image + trimap -> transparent picture.

    python eval.py photo.jpg trimap.png cutout.png

The trimap is as large as the image: white where it is foreground, black where it
is background, grey where the network has to find out. The result holds alpha and
the foreground's own colours, the background's taken out of them.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model import __version__, checkpoint, engine, images, matting

LOGDIR = Path(__file__).resolve().parent / "log" / "matting"
TRANSPARENT = (".png", ".webp", ".tif", ".tiff")  # formats that hold 8 bits of alpha
LOSSLESS = (*TRANSPARENT, ".bmp")


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line.

    Args:
        argv: The arguments; those of the process if None.

    Returns:
        The options.
    """
    parser = argparse.ArgumentParser(
        prog="eval.py",
        description="Cuts the foreground out of a picture, given its trimap.",
    )
    parser.add_argument("--version", action="version", version=f"eval.py {__version__}")
    # files
    parser.add_argument("input", metavar="INPUT", type=Path, help="the picture")
    parser.add_argument(
        "trimap",
        metavar="TRIMAP",
        type=Path,
        help="picture of the same size: white foreground, black background, grey else",
    )
    parser.add_argument(
        "output",
        metavar="OUTPUT",
        type=Path,
        help="RGBA picture to write (.png), not premultiplied",
    )
    parser.add_argument(
        "--alpha",
        metavar="FILE",
        type=Path,
        help="write the alpha alone too, as 8-bit grey",
    )
    # network
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
    return parser.parse_args(argv)


def check_outputs(inputs: Sequence[Path], output: Path, alpha: Path | None) -> None:
    """Refuses, before the work, files that could not or must not be written.

    Args:
        inputs: The files that are read.
        output: The file for the cut-out.
        alpha: The file for the alpha, or None.

    Raises:
        OSError: If a folder is missing or not writable.
        ValueError: If an ending does not fit, or an input would be overwritten.
    """
    ending = f"a {output.suffix} file" if output.suffix else "a file without ending"
    if output.suffix.lower() not in TRANSPARENT:
        raise ValueError(
            f"{output}: {ending} has no transparency in 256 levels, which the cut-out "
            "needs; end OUTPUT in .png"
        )
    check_writable(output, inputs)
    if alpha is None:
        return
    if alpha.suffix.lower() not in LOSSLESS:
        raise ValueError(
            f"{alpha}: {alpha.suffix or 'no ending'} is no format that keeps every "
            "level; end it in .png"
        )
    if is_same_file(alpha, output):
        raise ValueError(f"{alpha}: both OUTPUT and --alpha; give two files")
    check_writable(alpha, inputs)


def check_writable(path: Path, inputs: Sequence[Path]) -> None:
    """Refuses a file that cannot be written, or is one of the inputs.

    Args:
        path: The file to write.
        inputs: The files that are read.

    Raises:
        OSError: If its folder is missing or one of both is not writable.
        ValueError: If it is a folder or an input.
    """
    folder = path.parent
    if path.is_dir():
        raise ValueError(f"{path}: a folder; give the name of a file")
    if any(is_same_file(path, other) for other in inputs):
        raise ValueError(f"{path}: would overwrite the input; give another name")
    if not folder.is_dir():
        raise FileNotFoundError(f"{path}: no folder {folder}; make it first")
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(f"{path}: write-protected; give another name")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise PermissionError(
            f"{path}: folder {folder} is not writable ({error.strerror}); give another"
        ) from error


def is_same_file(path: Path, other: Path) -> bool:
    """Tells whether two paths lead to one file, through links too.

    Args:
        path: A path, existing or not.
        other: Another one.

    Returns:
        True if writing to one would change the other.
    """
    if path.exists() and other.exists():
        return path.samefile(other)
    return os.path.realpath(path) == os.path.realpath(other)


def read_pair(path: Path, trimap_path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Reads an image and its trimap and refuses what is no pair.

    Args:
        path: The picture.
        trimap_path: Its trimap.

    Returns:
        Image (H, W, 3) float32 in [0, 1] and trimap (H, W) uint8.

    Raises:
        OSError: If a file is missing or not readable.
        ValueError: If one is no picture or both do not belong together.
    """
    image = images.read_image(path)
    trimap = images.read_trimap(trimap_path)
    try:
        matting.check_pair(image, trimap)
    except ValueError as error:
        raise ValueError(f"{trimap_path}: {error}") from error
    return image, trimap


def run_network(
    image: np.ndarray, trimap: np.ndarray, logdir: Path, step: int
) -> tuple[np.ndarray, np.ndarray]:
    """Computes alpha and foreground; the first here to load TensorFlow.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        trimap: (H, W) uint8.
        logdir: Folder of the training run.
        step: Training step of the snapshot; -1 is the latest.

    Returns:
        Foreground (H, W, 3) and alpha (H, W), float32 in [0, 1].

    Raises:
        RuntimeError: If TensorFlow fails, for want of memory for example.
    """
    engine.load_tensorflow()
    import tensorflow as tf

    from model.predict import predict

    generator = checkpoint.load_generator(logdir, step)
    try:
        matte = predict(generator, image, trimap)
    except tf.errors.OpError as error:
        raise RuntimeError(engine.explain(error)) from error
    return matte.foreground, matte.alpha


def write_all(pictures: dict[Path, np.ndarray]) -> None:
    """Writes several pictures, and replaces the old ones when all are complete.

    Args:
        pictures: (H, W) or (H, W, 4) uint8 by file.

    Raises:
        OSError: If a file cannot be written; then none is replaced, unless the
            file system fails in between.
    """
    made = {path: path.with_name(f".{os.getpid()}-{path.name}") for path in pictures}
    try:
        for path, picture in pictures.items():
            images.write_image(made[path], picture)
        for path in pictures:
            os.replace(made[path], path)
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"{path}: cannot be written ({reason})") from error
    finally:
        for temporary in made.values():
            temporary.unlink(missing_ok=True)


def cut_out(args: argparse.Namespace) -> None:
    """Checks all files, runs the network and writes what it found.

    Args:
        args: The options of the command line.

    Raises:
        OSError: If a file is missing, not readable or not writable.
        ValueError: If a file is not what it should be.
    """
    check_outputs([args.input, args.trimap], args.output, args.alpha)
    image, trimap = read_pair(args.input, args.trimap)
    checkpoint.find_snapshot(args.logdir, args.checkpoint)  # without TensorFlow
    foreground, alpha = run_network(image, trimap, args.logdir, args.checkpoint)
    alpha = images.to_uint8(alpha)
    # what the file calls opaque keeps the colour of the photograph
    colour = images.to_uint8(np.where(alpha[..., None] == 255, image, foreground))
    pictures = {args.output: np.dstack([colour, alpha])}
    if args.alpha:
        pictures[args.alpha] = alpha
    write_all(pictures)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: The arguments; those of the process if None.

    Returns:
        Exit code: 0 done, 1 the network failed, 2 bad arguments or input, 130 stopped
        by Ctrl-C.
    """
    args = parse_args(argv)
    try:
        cut_out(args)
    except KeyboardInterrupt:
        print("eval.py: interrupted, nothing was written", file=sys.stderr)
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
