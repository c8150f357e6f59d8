"""Exported generators in fewer bits: weights of 16, or 8, and whole numbers inside.

What that costs in accuracy depends on the weights; scripts/export.py measures it before
it offers a file.
"""

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model import engine

PRECISIONS = {  # name: what of a network has fewer bits
    "float32": "nothing",
    "float16": "the weights, which are made float32 when the file is loaded",
    "int8-dynamic": "weights, and activations by their range in each picture",
    "int8": "weights, and activations by their range in some pictures before",
}
FORMATS = {  # which of these there are; LiteRT's runtime aborts on a calibrated file
    "savedmodel": ("float32",),
    "onnx": tuple(PRECISIONS),
    "litert": ("float32", "float16", "int8-dynamic"),
}
LEAST = 64  # values of a tensor that are worth storing in fewer bits

Inputs = dict[str, np.ndarray]  # (1, h, w, C) by the names of a generator's inputs


def reduce_onnx(content: bytes, precision: str, samples: Sequence[Inputs]) -> bytes:
    """Stores an ONNX network in fewer bits.

    Args:
        content: As `export.to_onnx` gives it.
        precision: One of `PRECISIONS`.
        samples: What the network is given as a rule; only `int8` needs them.

    Returns:
        The content of the file, with the same inputs and outputs.
    """
    if precision == "float32":
        return content
    if precision == "float16":
        return _halve_weights(content)
    with tempfile.TemporaryDirectory() as folder, _silence():
        source, made = Path(folder) / "source.onnx", Path(folder) / "made.onnx"
        source.write_bytes(content)
        _quantise(source, made, samples if precision == "int8" else None)
        return made.read_bytes()


def _halve_weights(content: bytes) -> bytes:
    """Stores the weights as float16, each followed by a cast back to float32."""
    import onnx

    model = onnx.load_from_string(content)
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < LEAST:
            continue
        name = tensor.name
        halved = onnx.numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(onnx.numpy_helper.from_array(halved, f"{name}/float16"))
        casts.append(
            onnx.helper.make_node(
                "Cast", [tensor.name], [name], to=onnx.TensorProto.FLOAT
            )
        )
    nodes = [*casts, *model.graph.node]  # what is used comes before its use
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model.SerializeToString()


def _quantise(source: Path, made: Path, samples: Sequence[Inputs] | None) -> None:
    """Quantises by ONNX Runtime: by the ranges in the samples, or as they come."""
    engine.load_onnxruntime()
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = source.with_name("prepared.onnx")
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    kinds = quantization.QuantType
    if samples is None:
        quantization.quantize_dynamic(prepared, made, weight_type=kinds.QUInt8)
        return

    class Reader(quantization.CalibrationDataReader):
        waiting = iter(samples)

        def get_next(self):
            return next(self.waiting, None)

    quantization.quantize_static(
        prepared, made, Reader(), per_channel=True, activation_type=kinds.QUInt8
    )


def set_up_litert(converter, precision: str) -> None:
    """Tells LiteRT's converter in how many bits to store a network.

    Args:
        converter: A `tf.lite.TFLiteConverter`.
        precision: One of those that `FORMATS` lists for LiteRT.
    """
    import tensorflow as tf

    if precision == "float32":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]


@contextlib.contextmanager
def _silence():
    """Keeps the advice of ONNX Runtime's quantisation from the screen."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
