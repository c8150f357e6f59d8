"""Exports a snapshot for other programs: SavedModel, ONNX and LiteRT.

    python scripts/export.py --logdir log/matting --output exported --validate

Each takes one picture of any size that is a multiple of 32, as the named inputs that
model/generator.py describes (image, trimap, and the first guess of model/prior.py), and
gives `alpha`. With --validate each file is run beside the checkpoint at two sizes; the
table tells its size, the largest difference, and the time beside TensorFlow's own.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from model import checkpoint, engine, matting  # noqa: E402
from model.network import Network  # noqa: E402

FILES = {
    "savedmodel": "savedmodel",
    "onnx": "generator.onnx",
    "litert": "generator.tflite",
}
SIZES = ((256, 320), (576, 768))  # height and width, in pixels
TOLERANCE = 1 / 255  # by which alpha may differ
REPEATS = 5  # of each timing; the least counts

Inputs = dict[str, np.ndarray]
Runner = Callable[[Inputs], np.ndarray]  # of the inputs to alpha


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--logdir", type=Path, default=ROOT / "log/matting", help="run directory"
    )
    parser.add_argument("--checkpoint", type=int, default=-1, help="-1 is the newest")
    parser.add_argument(
        "--formats",
        nargs="+",
        choices=FILES,
        default=list(FILES),
        help="(default: all)",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("exported"), help="folder to write"
    )
    parser.add_argument(
        "--validate", action="store_true", help="run each beside the checkpoint"
    )
    return parser.parse_args(arguments)


def write(generator, name: str, path: Path) -> None:
    """Writes a generator in one format; an older one is replaced when all is written.

    Args:
        generator: As `checkpoint.load_generator` gives it.
        name: Of the format.
        path: The file, or the folder of a SavedModel.
    """
    from model import export

    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".part-") as folder:
        made = Path(folder) / path.name
        if name == "savedmodel":
            export.to_saved_model(generator, str(made))
            if path.exists():
                path.replace(Path(folder) / "before")
        elif name == "onnx":
            made.write_bytes(export.to_onnx(generator, {}))
        else:
            made.write_bytes(export.to_litert(generator))
        made.replace(path)


def load(name: str, path: Path) -> Runner:
    """Loads what was written, by the runtime that it is meant for.

    Args:
        name: Of the format.
        path: The file or folder.

    Returns:
        A function from inputs to alpha.

    Raises:
        ValueError: If the runtime is missing.
    """
    if name == "onnx":
        network = Network(path)
        return lambda inputs: network.predict_on_batch(inputs)["alpha"]
    if name == "savedmodel":
        import tensorflow as tf

        module = tf.saved_model.load(str(path))
        call = module.signatures["serving_default"]
        return lambda inputs: call(
            **{key: tf.constant(value) for key, value in inputs.items()}
        )["alpha"].numpy()
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ValueError(
            f"--validate: LiteRT cannot be run ({error}); pip install '.[export]'"
        ) from error
    interpreter = Interpreter(str(path), num_threads=2)

    def run(inputs: Inputs) -> np.ndarray:
        details = interpreter.get_input_details()
        for detail in details:
            interpreter.resize_tensor_input(
                detail["index"], inputs[detail["name"]].shape
            )
        interpreter.allocate_tensors()
        for detail in details:
            interpreter.set_tensor(detail["index"], inputs[detail["name"]])
        interpreter.invoke()
        # paper2018 has the foreground too: alpha is the one with one channel
        results = (
            interpreter.get_tensor(detail["index"])
            for detail in interpreter.get_output_details()
        )
        return next(result for result in results if result.shape[-1] == 1)

    return run


def random_inputs(generator, height: int, width: int) -> Inputs:
    """Draws inputs of one size, smooth as pictures are.

    Args:
        generator: Whose inputs they are to be.
        height: In pixels, a multiple of 32.
        width: In pixels, a multiple of 32.

    Returns:
        (1, h, w, C) by name.
    """
    random = np.random.default_rng(0)
    sizes = {"colours": 4, "samples": 2}
    inputs = {}
    for tensor in generator.inputs:
        factor = sizes.get(tensor.name, 1)
        cells = random.random((height // 32, width // 32, tensor.shape[-1]), np.float32)
        repeat = 32 // factor
        inputs[tensor.name] = np.kron(cells, np.ones((repeat, repeat, 1), np.float32))
        inputs[tensor.name] = inputs[tensor.name][None]
    inputs["trimap"] = matting.trimap_from_grey(inputs["trimap"])
    return inputs


def measure(run: Runner, inputs: Inputs) -> tuple[np.ndarray, float]:
    """Runs once to warm up, then some times more: alpha, and the least seconds."""
    alpha = run(inputs)
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run(inputs)
        seconds.append(time.perf_counter() - start)
    return alpha, min(seconds)


def validate(generator, written: dict[str, Path]) -> bool:
    """Compares files with the checkpoint and prints a table.

    Args:
        generator: As `checkpoint.load_generator` gives it.
        written: Files by format.

    Returns:
        Whether all differ by `TOLERANCE` at most.
    """
    print(
        f"{'format':12}{'MB':>7}{'size':>10}{'difference':>13}{'ms':>8}{'/ Keras':>9}"
    )
    good = True
    for height, width in SIZES:
        inputs = random_inputs(generator, height, width)
        expected, own = measure(
            lambda inputs: np.asarray(generator.predict_on_batch(inputs)["alpha"]),
            inputs,
        )
        for name, path in written.items():
            alpha, seconds = measure(load(name, path), inputs)
            difference = float(np.abs(alpha - expected).max())
            good &= difference <= TOLERANCE
            print(
                f"{name:12}{size(path) / 1e6:7.1f}{f'{width}x{height}':>10}"
                f"{difference:13.1e}{1000 * seconds:8.0f}{seconds / own:9.2f}"
            )
    return good


def size(path: Path) -> int:
    """Counts the bytes of a file, or of all files in a folder."""
    paths = path.rglob("*") if path.is_dir() else [path]
    return sum(part.stat().st_size for part in paths if part.is_file())


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_args(arguments)
    try:
        checkpoint.find_snapshot(options.logdir, options.checkpoint)
        engine.load_tensorflow()
        generator = checkpoint.load_generator(options.logdir, options.checkpoint)
        options.output.mkdir(parents=True, exist_ok=True)
        written = {name: options.output / FILES[name] for name in options.formats}
        for name, path in written.items():
            write(generator, name, path)
            print(path)
        if options.validate and not validate(generator, written):
            print("export.py: differs by more than 1/255", file=sys.stderr)
            return 1
    except (OSError, ValueError) as error:
        print(f"export.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
