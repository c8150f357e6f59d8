"""The convolutions of a training step: counted in its graph, and timed each alone.

The graph of a step goes in. Out come its network's convolutions, those of the way back
among them, with their shapes: how many operations they take, and how fast the machine
does nothing but one of them, over and over. That is a ceiling for the step; a large
matrix product, timed too, is one for any arithmetic.
"""

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

INPUT, FILTER = (
    "BackpropInput",
    "BackpropFilter",
)  # endings of the kinds of the way back
KINDS = {
    base + ending
    for base in ("Conv2D", "DepthwiseConv2dNative")
    for ending in ("", INPUT, FILTER)
}
REPEATS = 5  # of which the fastest counts
UNTIMED = 2  # before these
MATRIX = 2048  # side of the matrices of the product


class Convolution(NamedTuple):
    """One operation, by all that its time depends on.

    Attributes:
        kind: One of `KINDS`, as TensorFlow calls it. `...BackpropInput` is also the
            way forward of a transposed convolution.
        image: (B, H, W, C), the shape of what the filter is moved over.
        filter: (height, width, channels in, channels out); of a depthwise one, the
            last is the number of filters for each channel.
        output: (B, h, w, D), the shape of the convolution's result.
        stride: In both directions.
        dilation: In both directions.
        padding: `SAME` or `VALID`.
    """

    kind: str
    image: tuple[int, ...]
    filter: tuple[int, ...]
    output: tuple[int, ...]
    stride: int = 1
    dilation: int = 1
    padding: str = "SAME"

    @property
    def is_depthwise(self) -> bool:
        """Whether each channel is filtered by itself."""
        return self.kind.startswith("Depthwise")

    @property
    def family(self) -> str:
        """Names it by its filter: `3x3`, `1x1`, `depthwise 5x5`."""
        size = f"{self.filter[0]}x{self.filter[1]}"
        return f"depthwise {size}" if self.is_depthwise else size

    @property
    def flop(self) -> int:
        """Counts its operations, a multiplication and an addition as two.

        Both gradients take as many as the convolution itself: the same products, added
        up over something else. Products with the zeros around the image count too.

        >>> Convolution("Conv2D", (1, 4, 4, 3), (3, 3, 3, 8), (1, 4, 4, 8)).flop
        6912
        """
        rows, columns, channels, _ = self.filter
        each = rows * columns * (1 if self.is_depthwise else channels)
        return 2 * math.prod(self.output) * each


def find_convolutions(graph, network: str) -> Counter[Convolution]:
    """Counts the convolutions of one network that a graph has to compute.

    What nothing depends on is left out, as TensorFlow leaves it out when it runs the
    graph: the gradients of frozen layers.

    Args:
        graph: A `FuncGraph` in which all shapes are known.
        network: The name of the Keras model.

    Returns:
        How often there is each.

    Raises:
        ValueError: If there are none.
    """
    owned = re.compile(rf"(gradient_tape/)?{re.escape(network)}(_\d+)?/")
    found = Counter(
        describe(operation)
        for operation in find_needed(graph)
        if operation.type in KINDS and owned.match(operation.name)
    )
    if not found:
        raise ValueError(f"{network}: no convolutions in the graph of its step")
    return found


def find_needed(graph) -> Iterator:
    """Finds the operations that the outputs of a `FuncGraph` depend on."""
    waiting = [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    seen = {operation.name for operation in waiting}
    while waiting:
        operation = waiting.pop()
        yield operation
        before = [tensor.op for tensor in operation.inputs] + operation.control_inputs
        for other in before:
            if other.name not in seen:
                seen.add(other.name)
                waiting.append(other)


def describe(operation) -> Convolution:
    """Describes one operation of a graph, of one of `KINDS`."""
    given = [tuple(tensor.shape) for tensor in operation.inputs]
    made = tuple(operation.outputs[0].shape)
    if operation.type.endswith(INPUT):
        image, weights, output = made, given[1], given[2]
    elif operation.type.endswith(FILTER):
        image, weights, output = given[0], made, given[2]
    else:
        image, weights, output = *given, made
    return Convolution(
        operation.type,
        image,
        weights,
        output,
        stride=operation.get_attr("strides")[1],
        dilation=operation.get_attr("dilations")[1],
        padding=operation.get_attr("padding").decode(),
    )


def prepare(convolution: Convolution) -> Callable[[], object]:
    """Gives the function that computes it once, on random numbers."""
    import tensorflow as tf

    kind, image, weights, output = convolution[:4]
    arguments = {
        "strides": [1, convolution.stride, convolution.stride, 1],
        "dilations": [1, convolution.dilation, convolution.dilation, 1],
        "padding": convolution.padding,
    }
    if kind.endswith(INPUT):
        arguments["input_sizes"] = tf.constant(image)
    else:
        arguments["input"] = tf.random.normal(image)
    if kind.endswith(FILTER):
        arguments["filter_sizes"] = tf.constant(weights)
    else:
        arguments["filter"] = tf.random.normal(weights)
    if kind.endswith((INPUT, FILTER)):
        arguments["out_backprop"] = tf.random.normal(output)
    compute = getattr(tf.raw_ops, kind)
    return lambda: compute(**arguments)


def time_best(compute: Callable[[], object], repeats: int = REPEATS) -> float:
    """Gives the seconds that the fastest of some calls took."""
    seconds = []
    for _ in range(UNTIMED + repeats):
        start = time.perf_counter()
        compute()
        seconds.append(time.perf_counter() - start)
    return min(seconds[UNTIMED:])


def time_alone(
    convolutions: Iterable[Convolution], side: int = MATRIX
) -> Iterator[tuple[dict[Convolution, float], float]]:
    """Times convolutions, each by itself, and a matrix product; run it by itself.

    Args:
        convolutions: All different.
        side: Of the two square matrices.

    Yields:
        Once: the seconds of each convolution, and the GFLOP/s of the product of two
        float32 matrices.
    """
    from model import engine

    engine.load_tensorflow()
    import tensorflow as tf

    matrix = tf.random.normal((side, side))
    product = time_best(lambda: tf.linalg.matmul(matrix, matrix))
    seconds = {}
    for each in convolutions:
        compute = prepare(each)
        # a call by itself costs less, a graph may choose another implementation
        ways = compute, tf.function(compute, autograph=False)
        seconds[each] = min(time_best(way) for way in ways)
    again = time_best(lambda: tf.linalg.matmul(matrix, matrix))
    yield seconds, 2 * side**3 / min(product, again) / 1e9


def rate(
    counts: Counter[Convolution], seconds: dict[Convolution, float], family: str = ""
) -> float:
    """Gives the GFLOP/s of convolutions that run one after the other.

    Args:
        counts: How often there is each.
        seconds: What each takes alone.
        family: Only those of this name; all if it is empty.

    Returns:
        All operations by the sum of the seconds; 0 if there is none of the family.
    """
    chosen = {
        each: count for each, count in counts.items() if family in ("", each.family)
    }
    total = sum(count * seconds[each] for each, count in chosen.items())
    return count_flop(chosen) / total / 1e9 if total else 0.0


def count_flop(counts: dict[Convolution, int]) -> int:
    """Adds up the operations of convolutions, counted each as often as it is there."""
    return sum(count * each.flop for each, count in counts.items())
