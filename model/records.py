"""TFRecord files: written, checked, and read one record at a time by its place.

A record is its length, a checksum of that, the payload and a checksum of it. The
format is small enough to be written here, so that compositing does without
TensorFlow, and a record can be read without those before it.
"""

import functools
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from model import replacing

POLYNOMIAL = 0x82F63B78  # of CRC-32C (Castagnoli), bits reversed
HEADER = struct.Struct("<QI")  # length of the payload in bytes, its masked checksum
FOOTER = struct.Struct("<I")  # masked checksum of the payload
FRAME = HEADER.size + FOOTER.size  # bytes of a record beside its payload


def write(path: Path, payloads: Iterable[bytes]) -> list[tuple[int, int]]:
    """Writes a file of records that is never seen half-written.

    Args:
        path: The file; an existing one is replaced when all is written.
        payloads: The records' contents.

    Returns:
        Of each record the offset in the file and the length of its payload, in bytes.

    Raises:
        OSError: If the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    places = []
    with replacing.replacement(path) as temporary, open(temporary, "wb") as file:
        for payload in payloads:
            places.append((file.tell(), len(payload)))
            length = struct.pack("<Q", len(payload))
            file.write(HEADER.pack(len(payload), masked_crc(length)))
            file.write(payload)
            file.write(FOOTER.pack(masked_crc(payload)))
    return places


def read(path: Path, offset: int) -> bytes:
    """Reads the payload of one record and checks it.

    Args:
        path: The file; what has `open` as a Path has it will do.
        offset: Where the record begins, in bytes.

    Returns:
        The payload.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the record is damaged or cut short.
    """
    fault = ValueError(
        f"{path}: damaged or cut short at byte {offset}; "
        "delete it and run scripts/combine.py again"
    )
    with path.open("rb") as file:
        file.seek(offset)
        header = file.read(HEADER.size)
        if len(header) < HEADER.size:
            raise fault
        length, checksum = HEADER.unpack(header)
        if checksum != masked_crc(header[:8]):
            raise fault
        rest = file.read(length + FOOTER.size)
    payload, footer = rest[:length], rest[length:]
    if len(footer) < FOOTER.size or FOOTER.unpack(footer)[0] != masked_crc(payload):
        raise fault
    return payload


def scan(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yields offset and payload of every record of a file, each checked.

    Args:
        path: The file.

    Raises:
        ValueError: If a record is damaged or cut short.
    """
    offset, size = 0, path.stat().st_size
    while offset < size:
        payload = read(path, offset)
        yield offset, payload
        offset += len(payload) + FRAME


def masked_crc(data: bytes) -> int:
    """Gives the CRC-32C of some bytes as TFRecord files store it.

    Args:
        data: The bytes.

    Returns:
        The checksum, rotated and offset so that data may contain its own.
    """
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def crc32c(data: bytes) -> int:
    """Computes a CRC-32C, halving the problem until one number is left.

    The checksum of A followed by B is that of A, carried on over as many zeros as B
    is long, plus (XOR) that of B; carrying on is linear, hence a table.

    Args:
        data: The bytes.

    Returns:
        The checksum, 32 bits.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    if len(data) < 4:
        crc = 0xFFFFFFFF
        for byte in data:
            crc = crc >> 8 ^ int(carry_tables(0)[0][(crc ^ byte) & 0xFF])
        return crc ^ 0xFFFFFFFF
    even = np.zeros(len(data) + len(data) % 2, np.uint8)  # leading zeros add nothing
    even[len(data) % 2 :] = np.frombuffer(data, np.uint8)
    even[len(data) % 2 :][:4] ^= 0xFF  # the checksum begins with all bits set
    values = pair_table()[even.view("<u2")]
    level = 1
    while len(values) > 1:
        if len(values) % 2:
            values = np.concatenate([np.zeros(1, np.uint32), values])
        values = carry(values[::2], level) ^ values[1::2]
        level += 1
    return int(values[0]) ^ 0xFFFFFFFF


def carry(values: np.ndarray, level: int) -> np.ndarray:
    """Carries checksums on over 2**level zeros; uint32 -> uint32."""
    tables = carry_tables(level)
    result = tables[0][values & 0xFF]
    for number in range(1, 4):
        result ^= tables[number][values >> np.uint32(8 * number) & 0xFF]
    return result


@functools.cache
def pair_table() -> np.ndarray:
    """Tabulates the checksums of all pairs of bytes, (65536,) uint32."""
    pairs = np.arange(65536, dtype="<u2").view(np.uint8)
    values = carry_tables(0)[0][pairs]
    return carry(values[::2], 0) ^ values[1::2]


@functools.cache
def carry_tables(level: int) -> np.ndarray:
    """Tabulates what `carry` does to each value of each byte, (4, 256) uint32."""
    if level:
        return carry(carry_tables(level - 1), level - 1)
    values = np.arange(256, dtype=np.uint32)
    values = np.stack([values << np.uint32(8 * number) for number in range(4)])
    for _ in range(8):
        values = values >> 1 ^ np.uint32(POLYNOMIAL) * (values & 1)
    return values
