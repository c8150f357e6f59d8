"""The generator's pretrained part: EfficientNet-lite0 up to a sixteenth of the size.

An image goes in, features at four resolutions come out. The architecture is that of
Tan and Le, "EfficientNet" (ICML 2019), in its version for small devices: no
squeeze-and-excitation, ReLU6. The weights were learned on ImageNet, and each batch
norm was folded into the convolution before it (`scripts/convert_encoder.py`).
"""

import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from model import engine

STEM = 32  # channels of the first convolution
PRETRAINED = ("stem", "block")  # beginnings of the names of its layers


class Stage(NamedTuple):
    """Inverted residual blocks (Sandler et al., CVPR 2018) of one width."""

    kernel: int
    stride: int
    expansion: int
    width: int
    blocks: int


STAGES = (  # the last two stages of the classifier are left out
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
)


def encode(
    image: keras.KerasTensor, hints: dict[int, keras.KerasTensor] | None = None
) -> dict[int, keras.KerasTensor]:
    """Adds the encoder to a functional network.

    Args:
        image: (B, H, W, 3) float32 in [0, 1]; sides are multiples of 16.
        hints: What the stages below a resolution are told beside the image, by
            convolutions that start at zero: (B, H/n, W/n, C) float32 by n, of 2, 4
            and 8; nothing if None.

    Returns:
        Features by how many times smaller they are: 2 (16 channels), 4 (24), 8 (40)
        and 16 (112).
    """
    x = keras.layers.Rescaling(255 / 128, -127 / 128)(image)
    x = _convolve(x, STEM, 3, 2, "stem")
    features, factor, number = {}, 2, 0
    for stage in STAGES:
        if stage.stride == 2 and hints and factor in hints:
            x = x + keras.layers.Conv2D(
                x.shape[-1], 1, kernel_initializer="zeros", name=f"hint{factor}"
            )(hints[factor])
        for block in range(stage.blocks):
            stride = stage.stride if block == 0 else 1
            x = _invert(x, stage, stride, f"block{number}")
            factor *= stride
            number += 1
        features[factor] = x
    return features


def load_pretrained(network: keras.Model, path: Path) -> None:
    """Gives the encoder inside a network its pretrained weights.

    Args:
        network: A functional network that `encode` is part of.
        path: Kernels and biases by the names of their layers, float16.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged or does not fit.
    """
    try:
        with open(path, "rb") as file, np.load(file) as arrays:
            for name in sorted({key.rpartition("/")[0] for key in arrays}):
                layer = network.get_layer(name)
                layer.set_weights([arrays[f"{name}/kernel"], arrays[f"{name}/bias"]])
    except (KeyError, OSError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, FileNotFoundError):
            raise FileNotFoundError(
                f"{path}: no such file; make it with scripts/convert_encoder.py"
            ) from error
        raise ValueError(
            f"{path}: not the encoder's weights ({engine.first_line(error)})"
        ) from error


def _invert(
    x: keras.KerasTensor, stage: Stage, stride: int, name: str
) -> keras.KerasTensor:
    """Widens, filters each channel, narrows: (B, h, w, C) -> (B, h/s, w/s, width)."""
    y = x
    if stage.expansion > 1:
        width = x.shape[-1] * stage.expansion
        y = _convolve(y, width, 1, 1, f"{name}_expand")
    y = keras.layers.DepthwiseConv2D(
        stage.kernel, stride, "same", name=f"{name}_depthwise", dtype=_depthwise_dtype()
    )(y)
    y = keras.layers.ReLU(6.0)(y)
    y = keras.layers.Conv2D(stage.width, 1, name=f"{name}_project")(y)
    is_residual = stride == 1 and x.shape[-1] == stage.width
    return x + y if is_residual else y


def _depthwise_dtype() -> str | None:
    """Says in what depthwise convolutions compute; None for what all others do.

    In float32 where others are in bfloat16: oneDNN is slow at the gradients of such
    ones, a seventh of a training step (log/README.md, 2026-11-28).
    """
    is_brief = keras.config.dtype_policy().compute_dtype == "bfloat16"
    return "float32" if is_brief else None


def _convolve(
    x: keras.KerasTensor, width: int, kernel: int, stride: int, name: str
) -> keras.KerasTensor:
    """Applies convolution and ReLU6: (B, h, w, C) -> (B, h/s, w/s, width)."""
    x = keras.layers.Conv2D(width, kernel, stride, "same", name=name)(x)
    return keras.layers.ReLU(6.0)(x)
