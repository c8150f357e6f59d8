import os
import subprocess
import sys

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
