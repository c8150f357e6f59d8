"""Pictures that claim to be huge: the size in the header of a whole file is changed."""

import struct
import zlib
from pathlib import Path


def huge_png(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 60000, 60000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(data)


def huge_tiff(path: Path) -> None:
    data = bytearray(path.read_bytes())
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        if struct.unpack_from("<H", data, entry)[0] in (256, 257):  # width, height
            struct.pack_into("<HII", data, entry + 2, 4, 1, 60000)
    path.write_bytes(data)


def huge_webp(path: Path) -> None:
    data = bytearray(path.read_bytes())
    at = data.index(b"VP8L") + 9
    (packed,) = struct.unpack_from("<I", data, at)
    struct.pack_into("<I", data, at, packed | 0x0FFFFFFF)  # 16384 by 16384
    path.write_bytes(data)


def huge_jpeg(path: Path) -> None:
    data = bytearray(path.read_bytes())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 65000, 65000)
    path.write_bytes(data)


def huge_bmp(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[18:26] = struct.pack("<ii", 60000, 60000)
    path.write_bytes(data)


def huge_gif(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[6:10] = struct.pack("<HH", 65000, 65000)
    path.write_bytes(data)


BOMBS = {
    "png": huge_png,
    "tif": huge_tiff,
    "webp": huge_webp,
    "jpg": huge_jpeg,
    "bmp": huge_bmp,
    "gif": huge_gif,
}
