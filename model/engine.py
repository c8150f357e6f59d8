"""TensorFlow and ONNX Runtime: loaded fast, quiet, and without reports of their use.

Every program loads them by these functions before anything else imports them. What the
user has set in the environment stays.
"""

import builtins
import contextlib
import os
import re
import sys
from collections.abc import Iterator
from types import ModuleType

SETTINGS = {
    # one arena instead of fresh pages for every tensor: halves a training step
    "TF_CPU_ALLOCATOR_USE_BFC": "true",
    "TF_CPP_MIN_LOG_LEVEL": "3",  # nothing but fatal errors
}
# from 1.32 on it would report each network that is loaded to its makers, and keep a
# number for this machine among the user's caches
TELEMETRY = "ORT_DISABLE_TELEMETRY"
# what surrounds the message of an error: terminal colours, {{function_node ...}} and
# the step of tf.data before it, [[{{node ...}}]] and [Op:...] name: after it
WRAPPING = re.compile(
    r"\x1b\[\d*m|\{\{function_node .*?\}\} ?|Error in user-defined function .*?"
    r" with iterator: \S+: |\[\[.*?\]\]|\[Op:[^\]\s]+\](?: name:.*)?"
)
HEADINGS = (
    *("Graph execution error:", "Detected at node", "Exception encountered"),
    *('File "', "<stack traces unavailable>"),
)


def load_tensorflow() -> None:
    """Imports TensorFlow, so that later imports of it are quick and quiet."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    with silenced_stderr():
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for GPUs, and says so


def load_onnxruntime() -> ModuleType:
    """Imports ONNX Runtime, told not to report what it is used for; gives it."""
    os.environ.setdefault(TELEMETRY, "1")
    import onnxruntime

    return onnxruntime


def explain(error: Exception) -> str:
    """Says in one line what an error of TensorFlow means.

    Args:
        error: A `tf.errors.OpError`.

    Returns:
        The first line of its message that tells something, without what TensorFlow
        puts around it. Of one that reading a file has raised, the message alone.
    """
    lines = (WRAPPING.sub("", line).strip() for line in str(error).splitlines())
    told = (line for line in lines if line and not line.startswith(HEADINGS))
    line = next(told, type(error).__name__)
    name, _, rest = line.partition(": ")
    kind = getattr(builtins, name, None)
    if rest and isinstance(kind, type) and issubclass(kind, OSError | ValueError):
        return rest
    return line.rstrip(":")


def first_line(error: Exception) -> str:
    """Gives the first line of an error's message; its name if it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@contextlib.contextmanager
def silenced_stderr() -> Iterator[None]:
    """Drops what TensorFlow's C++ part prints while loading: no setting stops it."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
