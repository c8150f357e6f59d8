"""Exports a snapshot for other programs: SavedModel, ONNX and LiteRT.

    python scripts/export.py --logdir log/matting --output exported --validate
    python scripts/export.py --formats onnx litert --precision float16

Each takes one picture of any size that is a multiple of 32 (of log/matting-fast: of
64), as the named inputs that model/generator.py describes (image, trimap, and the first
guess of model/prior.py), and gives `alpha`. With --validate each file is run beside the
checkpoint at two sizes; the table tells its size, the largest difference, and the time
beside TensorFlow's own.

A file of fewer bits is always compared with the checkpoint before it is offered: on the
example and on composites of the starter set. One that differs by more than 1/255 in the
mean over the unknown pixels of any picture, or by more than 8/255 in any pixel, is not
written; its figures are told.
"""

import argparse
import functools
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from model import checkpoint, engine, interrupt  # noqa: E402
from model.precision import FORMATS, PRECISIONS  # noqa: E402
from scripts.help import add_verbosity  # noqa: E402
from scripts.measure import exported  # noqa: E402
from scripts.measure.exported import Exported, Reference  # noqa: E402

FILES = {
    "savedmodel": "savedmodel",
    "onnx": "generator.onnx",
    "litert": "generator.tflite",
}


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--logdir", type=Path, default=ROOT / "log/matting", help="run directory")
    step = checkpoint.parse_step
    add("--checkpoint", type=step, default=-1, help="-1 is the newest; or best")
    add("--formats", nargs="+", choices=FILES, help="(default: all that there are)")
    add(
        "--precision",
        nargs="+",
        choices=PRECISIONS,
        default=["float32"],
        help="what is stored in fewer bits, of ONNX and LiteRT; written only if it is "
        "accurate enough; several make a file each (default: float32)",
    )
    add("--output", type=Path, default=Path("exported"), help="folder to write")
    add("--validate", action="store_true", help="run each beside the checkpoint")
    add_verbosity(parser, "tell how long each export took")
    options = parser.parse_args(arguments)
    for name in options.formats or ():
        if not set(FORMATS[name]) & set(options.precision):
            parser.error(
                f"--precision: {name} has {' '.join(FORMATS[name])} only, got "
                f"{' '.join(options.precision)}; give one of them, or leave {name} out"
            )
    options.formats = options.formats or list(FILES)
    return options


def list_files(options: argparse.Namespace) -> list[Exported]:
    """Lists what is to be written: of each format, the precisions that it has."""
    files = []
    for name in dict.fromkeys(options.formats):
        for precision in dict.fromkeys(options.precision):
            if precision not in FORMATS[name]:
                continue
            path = options.output / FILES[name]
            if precision != "float32":
                path = path.with_name(f"{path.stem}-{precision}{path.suffix}")
            files.append(Exported(name, precision, path))
    return files


def write(generator, file: Exported, reference: Reference | None) -> str:
    """Writes one file; an older one is replaced when all is written, and good.

    Args:
        generator: As `checkpoint.load_generator` gives it.
        file: What to write.
        reference: To measure it by; None for float32.

    Returns:
        "", or why it was not written.
    """
    from model import export, precision

    path = file.path
    samples = reference.samples if reference else []
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".part-") as folder:
        made = Path(folder) / path.name
        if file.name == "savedmodel":
            export.to_saved_model(generator, str(made))
        elif file.name == "onnx":
            content = convert_to_onnx(generator)
            made.write_bytes(precision.reduce_onnx(content, file.precision, samples))
        else:
            made.write_bytes(export.to_litert(generator, file.precision))
        fault = exported.judge(file, made, reference) if reference else ""
        if fault:
            return fault
        replace(path, made, Path(folder) / "before")
    return ""


def replace(path: Path, made: Path, before: Path) -> None:
    """Puts a file or folder in the place of an older one, or leaves that.

    Args:
        path: Where it is wanted.
        made: Where it is.
        before: Where an older folder goes meanwhile.

    Raises:
        OSError: If it cannot be moved; then the older one stays.
    """
    with interrupt.held():
        if not path.is_dir():
            made.replace(path)
            return
        path.replace(before)
        try:
            made.replace(path)
        except OSError:
            before.replace(path)
            raise


def check_replaced(file: Exported) -> None:
    """Refuses to replace a folder that no export has made.

    Args:
        file: What is to be written.

    Raises:
        FileExistsError: If there is one in its place.
    """
    is_model = file.name == "savedmodel" and (file.path / "saved_model.pb").is_file()
    if file.path.is_dir() and any(file.path.iterdir()) and not is_model:
        raise FileExistsError(
            f"{file.path}: a folder of something else; move it, or give another "
            "--output"
        )


@functools.lru_cache(maxsize=1)
def convert_to_onnx(generator) -> bytes:
    """Converts a generator once for all precisions: the content of the file."""
    from model import export

    return export.to_onnx(generator, {})


def export_all(options: argparse.Namespace) -> int:
    """Writes and validates all that is wanted; returns the exit code."""
    files = list_files(options)
    for file in files:
        check_replaced(file)
    generator = checkpoint.load_generator(options.logdir, options.checkpoint)
    options.output.mkdir(parents=True, exist_ok=True)
    precisions = {file.precision for file in files}
    reference = None
    if options.validate or precisions != {"float32"}:
        reference = exported.refer(generator, precisions)
    written = []
    for file in files:
        start = time.perf_counter()
        needed = None if file.precision == "float32" else reference
        fault = write(generator, file, needed)
        if fault:
            print(f"export.py: {fault}", file=sys.stderr)
            continue
        written.append(file)
        if options.verbose:
            seconds = time.perf_counter() - start
            print(f"{file.path}: {seconds:.1f} s", file=sys.stderr)
        if not options.quiet:
            print(file.path)
    if options.validate and not exported.validate(
        generator, written, reference, options.quiet
    ):
        print("export.py: differs by more than 1/255", file=sys.stderr)
        return 1
    return 0 if len(written) == len(files) else 1


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_args(arguments)
    try:
        checkpoint.find_snapshot(options.logdir, options.checkpoint)
        engine.load_tensorflow()
        return export_all(options)
    except (OSError, ValueError) as error:
        print(f"export.py: {error}", file=sys.stderr)
        return 2
    except ImportError as error:
        print(
            f"export.py: {error}; pip install -r requirements.txt, see eval.py "
            "--doctor",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("export.py: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
