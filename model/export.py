"""Generators for other programs: a Keras network in, a file of another format out."""

import contextlib
import io
import logging

import absl.logging
import keras
import numpy as np
import tensorflow as tf

from model import engine, precision

OPSET = 18  # version of the ONNX operations


def to_function(generator: keras.Model) -> tuple:
    """Wraps a generator as a function of named tensors of one picture of any size.

    Args:
        generator: As `generator.build_generator` gives it.

    Returns:
        A `tf.function` from the inputs, in their order, to a dict of outputs, and the
        list of their `tf.TensorSpec`.
    """
    signature = [
        tf.TensorSpec((1, None, None, tensor.shape[-1]), tensor.dtype, tensor.name)
        for tensor in generator.inputs
    ]
    names = [spec.name for spec in signature]

    @tf.function(input_signature=signature)
    def call(*tensors):
        return generator(dict(zip(names, tensors, strict=True)), training=False)

    return call, signature


def to_onnx(generator: keras.Model, properties: dict[str, str]) -> bytes:
    """Exports a generator to ONNX.

    Args:
        generator: As `generator.build_generator` gives it.
        properties: What else the file is to tell, by name.

    Returns:
        The content of the file: inputs and outputs have the names that they have in
        the generator, batches of one, height and width any multiple of 32, of
        `fast` of 64.
    """
    with contextlib.redirect_stderr(io.StringIO()):  # it warns of TensorFlow's own
        import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    call, signature = to_function(generator)
    model, _ = tf2onnx.convert.from_function(call, signature, opset=OPSET)
    outputs = call.get_concrete_function().structured_outputs
    for kept, name in zip(model.graph.output, sorted(outputs), strict=True):
        _rename(model.graph, kept.name, name)
    depths = {spec.name: spec.shape[-1] for spec in signature}
    depths |= {name: output.shape[-1] for name, output in outputs.items()}
    for value in [*model.graph.input, *model.graph.output]:
        _declare_shape(value, depths[value.name])
    _unfold_by_convolutions(model)
    for name, text in properties.items():
        model.metadata_props.add(key=name, value=text)
    model.producer_name = "unet-gan-matting"
    return model.SerializeToString()


def _declare_shape(value, depth: int) -> None:
    """Writes (1, NAME_h, NAME_w, depth) to what enters or leaves the network.

    As a whole: what the conversion infers was of another rank once.
    """
    sides = value.type.tensor_type.shape.dim
    del sides[:]
    sides.add().dim_value = 1
    sides.add().dim_param = f"{value.name}_h"
    sides.add().dim_param = f"{value.name}_w"
    sides.add().dim_value = depth


def _unfold_by_convolutions(model) -> None:
    """Replaces DepthToSpace by transposed convolutions that copy its values.

    The result is equal to the bit, and ONNX Runtime is quicker at it (log/README.md).
    One whose number of channels the graph does not tell stays.
    """
    from onnx import helper, numpy_helper, shape_inference

    shapes = {
        value.name: [side.dim_value for side in value.type.tensor_type.shape.dim]
        for value in shape_inference.infer_shapes(model).graph.value_info
    }
    for node in model.graph.node:
        if node.op_type != "DepthToSpace":
            continue
        channels = shapes.get(node.input[0], [0, 0])[1]  # (B, C, h, w); 0 if unknown
        if not channels:
            continue
        width = channels // 4
        kernel = np.eye(channels, dtype=np.float32)  # (C, 2 * 2 * C / 4)
        kernel = kernel.reshape(channels, 2, 2, width).transpose(0, 3, 1, 2)
        name = f"{node.output[0]}_kernel"
        model.graph.initializer.append(numpy_helper.from_array(kernel, name))
        copied = helper.make_node(
            "ConvTranspose",
            [node.input[0], name],
            node.output,
            node.name,
            kernel_shape=[2, 2],
            strides=[2, 2],
        )
        node.CopyFrom(copied)


def _rename(graph, old: str, new: str) -> None:
    """Gives a value of an ONNX graph another name, wherever it is used."""
    for node in graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == old:
                    names[place] = new
    for value in graph.output:
        if value.name == old:
            value.name = new


def to_saved_model(generator: keras.Model, directory: str) -> None:
    """Exports a generator as a SavedModel with one signature, `serving_default`.

    Args:
        generator: As `generator.build_generator` gives it.
        directory: To write; replaced if it is there.

    Raises:
        OSError: If it cannot be written.
    """
    module = tf.Module()
    module.generator = generator  # so that its variables are saved
    module.call, _ = to_function(generator)
    signature = module.call.get_concrete_function()
    try:
        tf.saved_model.save(module, directory, signatures=signature)
    except tf.errors.OpError as error:
        raise OSError(
            f"{directory}: cannot be written ({engine.explain(error)})"
        ) from error


def to_litert(generator: keras.Model, bits: str = "float32") -> bytes:
    """Exports a generator to LiteRT (TensorFlow Lite).

    Args:
        generator: As `generator.build_generator` gives it.
        bits: One of those that `precision.FORMATS` lists for it.

    Returns:
        The content of the file; its inputs have to be resized before they are used.
    """
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    call, _ = to_function(generator)
    frozen = convert_variables_to_constants_v2(call.get_concrete_function())
    told = absl.logging.get_verbosity()
    absl.logging.set_verbosity(absl.logging.ERROR)  # it advises what loses the weights
    try:
        converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
        precision.set_up_litert(converter, bits)
        return converter.convert()
    finally:
        absl.logging.set_verbosity(told)
