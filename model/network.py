"""A trained generator, ready to run: by ONNX Runtime, and so without TensorFlow.

Beside each snapshot lies, or is made when first needed, the same network as an ONNX
file, which starts in a fraction of a second. It names the weights that it was made
of; where they have changed since, it is made again.
"""

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

import numpy as np

from model import checkpoint, engine

FORMAT = 1  # of the exported file; another number makes all files anew
FINGERPRINT = "fingerprint"  # its name among the properties of the file


class Network:
    """A generator in an ONNX file.

    It has the two attributes of a Keras model that `predict` needs.

    Attributes:
        inputs: What it takes, each with its `name`.
        fingerprint: Of the weights that it was made of.
    """

    def __init__(self, source: Path | bytes):
        """Loads the file.

        Args:
            source: The file, or its content.

        Raises:
            ValueError: If it is damaged.
        """
        onnxruntime = engine.load_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors
        options.enable_mem_pattern = False  # a plan for each size, sizes differ
        # its threads would wait for work on cores that the next first guess needs
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self.session = onnxruntime.InferenceSession(
                source if isinstance(source, bytes) else str(source),
                options,
                providers=["CPUExecutionProvider"],
            )
        except Exception as error:  # of a kind that onnxruntime does not publish
            raise ValueError(f"not an ONNX network ({error})") from error
        self.inputs = self.session.get_inputs()
        self.outputs = [output.name for output in self.session.get_outputs()]
        properties = self.session.get_modelmeta().custom_metadata_map
        self.fingerprint = properties.get(FINGERPRINT, "")

    def predict_on_batch(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs the network; several threads may at the same time.

        Args:
            batch: (1, H, W, C) arrays by the names of the inputs.

        Returns:
            (1, H, W, C) float32 by the names of the outputs.

        Raises:
            RuntimeError: If it fails, for want of memory for example.
        """
        try:
            results = self.session.run(self.outputs, batch)
        except Exception as error:  # of kinds that onnxruntime does not publish
            raise RuntimeError(" ".join(str(error).split())) from error
        return dict(zip(self.outputs, results, strict=True))


def load_network(directory: Path | str, step: int | str = -1) -> Network:
    """Loads a snapshot as ONNX, and exports it before where that is necessary.

    Args:
        directory: A run directory.
        step: The batch number, -1 for the newest, or `best`.

    Returns:
        The network.

    Raises:
        FileNotFoundError: If the directory or the number does not exist.
        ValueError: If a file is damaged or the weights do not fit.
    """
    directory = Path(directory)
    step = checkpoint.find_snapshot(directory, step)
    path = directory / checkpoint.EXPORTED.format(step=step)
    wanted = fingerprint(directory, step)
    if path.is_file():
        try:
            network = Network(path)
        except ValueError:
            pass  # a damaged copy of what can be made again
        else:
            if network.fingerprint == wanted:
                return network
    engine.load_tensorflow()
    from model import export

    generator = checkpoint.load_generator(directory, step)
    content = export.to_onnx(generator, {FINGERPRINT: wanted})
    temporary = path.with_name(f".part-{secrets.token_hex(4)}-{path.name}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError:
        pass  # a folder that cannot be written: exported again the next time
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return Network(content)


def fingerprint(directory: Path, step: int) -> str:
    """Identifies the weights of a snapshot and the way of exporting them.

    Args:
        directory: A run directory.
        step: The batch number.

    Returns:
        Hexadecimal digits.
    """
    weights = (directory / checkpoint.WEIGHTS.format(step=step)).read_bytes()
    return hashlib.sha256(b"%d " % FORMAT + weights).hexdigest()
