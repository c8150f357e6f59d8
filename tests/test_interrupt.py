import importlib
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from model import interrupt

ROOT = Path(__file__).resolve().parents[1]


def test_one_that_is_deaf_to_ctrl_c_stays_so():
    code = """\
        import signal
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        from model import interrupt
        interrupt.leave_at_once("eval.py")
        interrupt.raise_from_now()
        with interrupt.held():
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        print("deaf")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "deaf\n", "")


def test_ctrl_c_that_waits_is_not_lost():
    seen = []
    with pytest.raises(KeyboardInterrupt):
        with interrupt.held():
            signal.raise_signal(signal.SIGINT)
            seen.append("the end of the block")
    assert seen
    with pytest.raises(KeyboardInterrupt):  # nor is it behind an error
        with interrupt.held():
            signal.raise_signal(signal.SIGINT)
            raise OSError
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    ("name", "work", "arguments"),
    [
        ("compare", "read_history", ["run"]),
        ("pictures", "Composites", ["data"]),
        ("overview", "draw_classes", ["collection"]),
        ("list_urls", "list_addresses", ["manifest.csv", "addresses.csv"]),
        ("convert_encoder", "find_checkpoint", []),
    ],
)
def test_a_script_that_is_interrupted_says_so(
    name, work, arguments, monkeypatch, capsys
):
    script = importlib.import_module(f"scripts.{name}")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(script, work, interrupted)
    assert script.main(arguments) == 130
    assert capsys.readouterr() == ("", f"{name}.py: interrupted\n")
