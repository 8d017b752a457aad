"""Decode damaged copies of one good file of every kind; a script, because a decoder may bring the process down.

    python mutate_images.py MUTANTS_PER_KIND SEED

Prints, per kind, how many mutants were refused, decoded to the same pixels, and decoded to others. Ends with an error
at the first outcome that is neither a picture nor a DataError with the file's name in it.
"""

import struct
import sys
import warnings
import zlib

import numpy as np
from pictures import files

from reid.data.images import decode_image
from reid.errors import DataError


def main() -> None:
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    warnings.simplefilter("ignore")
    random = np.random.default_rng(seed)
    for kind, content in files().items():
        whole = decode_image(content, kind)
        outcomes = {"refused": 0, "same": 0, "other": 0}
        for number in range(count):
            mutant = mutated(content, random)
            outcomes[outcome(with_checksums(mutant) if "PNG" in kind and number % 2 else mutant, kind, whole)] += 1
        sys.stdout.write(f"{kind}: {outcomes}\n")


def outcome(mutant: bytes, kind: str, whole: np.ndarray) -> str:
    try:
        pixels = decode_image(mutant, kind, max_megapixels=16)
    except DataError as error:
        if not str(error).startswith(f"cannot read image {kind}: it"):
            raise
        return "refused"
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.flags.c_contiguous:
        raise TypeError(f"{kind} became {pixels.shape} {pixels.dtype}")
    return "same" if pixels.shape == whole.shape and bool((pixels == whole).all()) else "other"


def mutated(content: bytes, random: np.random.Generator) -> bytes:
    """A few bits flipped, or bytes changed, set, cut out or put in; half the time near the beginning."""
    mutant = bytearray(content)
    kind, reach = random.integers(5), 600 if random.random() < 0.5 else len(mutant)
    for _ in range(random.integers(1, 6)):
        at = int(random.integers(min(len(mutant), reach)))
        if kind == 0:
            mutant[at] ^= 1 << int(random.integers(8))
        elif kind == 1:
            mutant[at] = int(random.integers(256))
        elif kind == 2:
            mutant[at : at + 4] = b"\xff\xff\xff\xff"
        elif kind == 3:
            del mutant[at : at + int(random.integers(1, 30))]
        else:
            mutant[at:at] = random.bytes(int(random.integers(1, 20)))
    return bytes(mutant)


def with_checksums(png: bytes) -> bytes:
    """A PNG whose parts have right checksums again, so that damage reaches the decoder."""
    mended, position = bytearray(png), 8
    while position + 12 <= len(png):
        end = position + 8 + struct.unpack_from(">I", mended, position)[0]
        if end + 4 > len(png):
            break
        struct.pack_into(">I", mended, end, zlib.crc32(bytes(mended[position + 4 : end])))
        position = end + 4
    return bytes(mended)


if __name__ == "__main__":
    main()
