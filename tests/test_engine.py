import os
import subprocess
import sys

import pytest

from model import engine

CODE = """
import os
from model import engine
engine.load_tensorflow()
print(os.environ["TF_CPU_ALLOCATOR_USE_BFC"], os.environ["TF_CPP_MIN_LOG_LEVEL"])
"""


def load(**environment):
    names = ("TF_CPU_ALLOCATOR_USE_BFC", "TF_CPP_MIN_LOG_LEVEL")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    result = subprocess.run(
        [sys.executable, "-c", CODE],
        capture_output=True,
        text=True,
        check=True,
        env=kept | environment,
    )
    assert result.stderr == ""
    return result.stdout.split()


def test_tensorflow_loads_with_the_fast_settings_and_says_nothing():
    assert load() == ["true", "3"]


def test_what_the_user_has_set_stays():
    assert load(TF_CPU_ALLOCATOR_USE_BFC="false")[0] == "false"


PLACE = (
    "{{function_node __wrapped__IteratorGetNext_output_types_6_device_/job:x/CPU:0}}"
)
TRACE = 'Traceback (most recent call last):\n\n  File "dataset.py", line 9, in make\n'


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (f"{PLACE} ValueError: a.png: bad (b: c)\n{TRACE}", "a.png: bad (b: c)"),
        (f"{PLACE} FileNotFoundError: a.png: no such file\n", "a.png: no such file"),
        (f"{PLACE} KeyError: 'a'\n{TRACE}\t [[{{{{node PyFunc}}}}]]", "KeyError: 'a'"),
        (f"{PLACE} MemoryError: \n{TRACE}", "MemoryError"),
        (
            f"{PLACE} OOM when allocating tensor [Op:Fill] name: ",
            "OOM when allocating tensor",
        ),
        ("Graph execution error:\n\n\t [[{{node A}}]]\nno memory", "no memory"),
        (
            "Exception encountered when calling Conv2D.call().\n\n"
            f"\x1b[1m{PLACE} no memory [Op:Conv2D]\x1b[0m\n\nArguments received by",
            "no memory",
        ),
        ("", "RuntimeError"),
    ],
)
def test_an_error_is_told_in_one_line_without_what_surrounds_it(message, told):
    assert engine.explain(RuntimeError(message)) == told


def test_errors_of_this_tensorflow_are_understood():
    import tensorflow as tf

    def fail(_):
        raise ValueError("cat.png: damaged")

    def read(index):
        return tf.numpy_function(fail, [index], tf.uint8)

    with pytest.raises(tf.errors.OpError) as caught:
        list(tf.data.Dataset.range(2).map(read))
    assert engine.explain(caught.value) == "cat.png: damaged"
    singular = tf.zeros((2, 2))
    for invert in (tf.linalg.inv, tf.function(tf.linalg.inv)):
        with pytest.raises(tf.errors.OpError) as caught:
            invert(singular)
        assert engine.explain(caught.value) == "Input is not invertible."
