#!/usr/bin/env python3
"""Expected pictures for src/core/draw/png.c, made with Python's zlib.

    python3 test/golden/make_png.py >test/golden/png.csv

Pixel (row, column) of the picture is (7 row + 3 column) mod 256; color i of the palette is
(i, 255 - i, i / 2, 2 i mod 256).  Columns: size, length of the data URI and its CRC-32.
"""
import base64
import struct
import zlib


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def stored(data):
    blocks = [data[i:i + 65535] for i in range(0, len(data), 65535)]
    out = b"\x78\x01"
    for number, block in enumerate(blocks):
        out += struct.pack("<BHH", number == len(blocks) - 1, len(block), len(block) ^ 0xffff) + block
    out += struct.pack(">I", zlib.adler32(data))
    assert zlib.decompress(out) == data
    return out


print("width,height,length,crc32")
for width, height in [(1, 1), (1, 256), (5, 3), (6, 4), (254, 257), (300, 500), (1310, 100)]:
    rows = b"".join(b"\0" + bytes((7 * r + 3 * c) % 256 for c in range(width)) for r in range(height))
    png = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
           + chunk(b"PLTE", b"".join(bytes((i, 255 - i, i // 2)) for i in range(256)))
           + chunk(b"tRNS", bytes(2 * i % 256 for i in range(256))) + chunk(b"IDAT", stored(rows)) + chunk(b"IEND", b""))
    uri = b"data:image/png;base64," + base64.b64encode(png)
    print(f"{width},{height},{len(uri)},{zlib.crc32(uri)}")
