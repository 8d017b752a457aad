"""Ways to damage a file."""

import random


def mutants(original: bytes, count: int, seed: int = 0) -> list[bytes]:
    """Copies with a bit flipped, a byte replaced, a piece cut out, repeated or cut off, or bytes inserted."""
    chance, found = random.Random(seed), []
    for number in range(count):
        start = chance.randrange(len(original))
        end = min(len(original), start + chance.randint(1, 8))
        piece = original[start:end]
        middle = [
            bytes([piece[0] ^ 1 << chance.randrange(8)]) + piece[1:],
            chance.choice(b'0129-.eEaN{}[]",:\\\xff').to_bytes(1, "big") + piece[1:],
            b"",
            piece * 2,
            chance.randbytes(3) + piece,
        ][number % 5]
        found.append(original[:start] if number % 7 == 0 else original[:start] + middle + original[end:])
    return found
