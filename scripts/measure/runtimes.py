"""Exported files, each run by the runtime that it is meant for."""

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from model import engine
from model.network import Network
from model.precision import Inputs

REPEATS = 5  # of each timing; the least counts


class Input(NamedTuple):
    """What `predict.prepare` asks of an input: how it is called."""

    name: str


class SavedModel:
    """A SavedModel, run by TensorFlow; as a `network.Network` is used."""

    def __init__(self, path: Path):
        """Loads the folder."""
        import tensorflow as tf

        self.module = tf.saved_model.load(str(path))
        self.call = self.module.signatures["serving_default"]
        _, named = self.call.structured_input_signature
        self.inputs = [Input(name) for name in named]

    def predict_on_batch(self, batch: Inputs) -> Inputs:
        """Gives (1, H, W, C) arrays by the names of the outputs."""
        import tensorflow as tf

        tensors = {name: tf.constant(values) for name, values in batch.items()}
        return {name: value.numpy() for name, value in self.call(**tensors).items()}


class LiteRT:
    """A LiteRT file; as a `network.Network` is used."""

    def __init__(self, path: Path):
        """Loads the file.

        Raises:
            ValueError: If the runtime is missing.
        """
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise ValueError(
                f"LiteRT cannot be run ({error}); pip install -e '.[export]'"
            ) from error
        self.interpreter = Interpreter(str(path), num_threads=2)
        details = self.interpreter.get_input_details()
        self.inputs = [Input(detail["name"]) for detail in details]

    def predict_on_batch(self, batch: Inputs) -> Inputs:
        """Gives `alpha`, (1, H, W, 1)."""
        details = self.interpreter.get_input_details()
        for detail in details:
            shape = batch[detail["name"]].shape
            self.interpreter.resize_tensor_input(detail["index"], shape)
        with engine.silenced_stderr():  # the first time, it tells what it runs on
            self.interpreter.allocate_tensors()
        for detail in details:
            self.interpreter.set_tensor(detail["index"], batch[detail["name"]])
        self.interpreter.invoke()
        # paper2018 has the foreground too: alpha is the one with one channel
        results = (
            self.interpreter.get_tensor(detail["index"])
            for detail in self.interpreter.get_output_details()
        )
        return {"alpha": next(array for array in results if array.shape[-1] == 1)}


LOADERS = {"savedmodel": SavedModel, "onnx": Network, "litert": LiteRT}  # by format


def alpha_of(network, inputs: Inputs) -> np.ndarray:
    """Runs a network: (1, h, w, 1) float32 alpha, not clipped."""
    return np.asarray(network.predict_on_batch(inputs)["alpha"])


def measure(network, inputs: Inputs) -> tuple[np.ndarray, float]:
    """Runs once to warm up, then some times more: alpha, and the least seconds."""
    alpha = alpha_of(network, inputs)
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        network.predict_on_batch(inputs)
        seconds.append(time.perf_counter() - start)
    return alpha, min(seconds)
