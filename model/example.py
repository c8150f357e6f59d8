"""One composite as a `tf.train.Example`, the content of a record.

    name, split          bytes, UTF-8: the composite's name, `train` or `val`
    seed                 bytes, the decimal digits of an unsigned 64-bit number
    height, width        int64, in pixels
    row                  bytes, UTF-8: its row of the manifest, in JSON
    image, foreground    bytes, a PNG of (height, width, 3)
    alpha, trimap        bytes, a PNG of (height, width)

TensorFlow reads and writes the same messages; here it is not needed.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from model import images

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types of protocol buffers


def encode(features: dict[str, bytes | int]) -> bytes:
    """Writes a `tf.train.Example` of single values.

    Args:
        features: Bytes, or an int of 0 or more, by name.

    Returns:
        The serialised message.
    """
    entries = b""
    for name, value in features.items():
        if isinstance(value, int):
            feature = _field(3, _field(1, _varint(value)))
        else:
            feature = _field(1, _field(1, value))
        entries += _field(1, _field(1, name.encode()) + _field(2, feature))
    return _field(1, entries)


def decode(payload: bytes) -> dict[str, bytes | int]:
    """Reads what `encode`, or TensorFlow itself, wrote.

    Args:
        payload: The serialised message.

    Returns:
        Bytes or int by name; of a list its first value.

    Raises:
        ValueError: If it is no such message.
    """
    features = {}
    try:
        for _, message in _fields(payload):
            for _, entry in _fields(message):
                parts = dict(_fields(entry))
                for kind, values in _fields(parts[2]):
                    value = next(_fields(values))[1]
                    if kind == 3 and isinstance(value, bytes):
                        value = _read_varint(value, 0)[0]
                    features[bytes(parts[1]).decode()] = value
    except (IndexError, KeyError, StopIteration, TypeError) as error:
        raise ValueError(f"not a tf.train.Example ({error!r})") from error
    return features


def encode_picture(levels: np.ndarray) -> bytes:
    """Encodes (H, W) or (H, W, 3) uint8 as PNG."""
    return images.encode(levels, Path("picture.png"))


def decode_picture(data: bytes) -> np.ndarray:
    """Decodes what `encode_picture` made."""
    with Image.open(io.BytesIO(data)) as picture:
        return np.array(picture)


def _varint(value: int) -> bytes:
    """Encodes an int of 0 or more, seven bits to a byte, the lowest first."""
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def _read_varint(data: bytes, start: int) -> tuple[int, int]:
    """Reads such an int; returns it and where it ends."""
    value, shift = 0, 0
    while True:
        byte = data[start]
        value |= (byte & 0x7F) << shift
        start, shift = start + 1, shift + 7
        if byte < 0x80:
            return value, start


def _field(number: int, content: bytes) -> bytes:
    """Encodes a field that is a message, a string or packed numbers."""
    return _varint(number << 3 | BYTES) + _varint(len(content)) + content


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Yields number and content of each field of a message."""
    start = 0
    while start < len(message):
        tag, start = _read_varint(message, start)
        if tag & 7 == VARINT:
            content, start = _read_varint(message, start)
        elif tag & 7 == BYTES:
            length, start = _read_varint(message, start)
            content, start = message[start : start + length], start + length
        else:
            width = {FIXED64: 8, FIXED32: 4}[tag & 7]
            content, start = message[start : start + width], start + width
        yield tag >> 3, content
