"""What a report of a fault should tell: versions, cores, snapshots."""

import argparse
import importlib.metadata
import os
import platform
from pathlib import Path

from model import __version__, checkpoint, engine

LOG = Path(__file__).resolve().parents[1] / "log"
WEIGHTS = "*/generator-*.weights.h5"  # of all runs there


class Doctor(argparse.Action):
    """Tells what a report of a fault should: versions, cores, the snapshot."""

    def __call__(self, parser, *_):
        print(f"eval.py {__version__}, Python {platform.python_version()}")
        print(f"{platform.platform()}, {os.cpu_count()} cores")
        is_well = True
        for name in ("onnxruntime", "tensorflow", "keras", "tf2onnx", "numpy", "numba"):
            try:
                print(name, importlib.metadata.version(name))
            except importlib.metadata.PackageNotFoundError:
                print(name, "is not installed; pip install -r requirements.txt")
                is_well = False
        try:
            onnxruntime = engine.load_onnxruntime()

            from model.network import fingerprint

            print("devices:", ", ".join(onnxruntime.get_available_providers()))
            for folder in sorted({p.parent for p in LOG.glob(WEIGHTS)}):
                step = checkpoint.find_snapshot(folder)
                marks = fingerprint(folder, step)[:16]
                print(f"log/{folder.name}: snapshot {step}, {marks}")
            for name in ("matting", "matting-fast"):  # that eval.py takes
                checkpoint.find_snapshot(LOG / name)
        except (ImportError, OSError) as error:
            print(error)
            is_well = False
        parser.exit(0 if is_well else 1)
