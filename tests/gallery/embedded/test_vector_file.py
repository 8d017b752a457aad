"""The file of vectors."""

import re
from dataclasses import replace

import damage
import galleries
import numpy as np
import pytest

from reid.errors import ArtefactError, MissingInputError
from reid.gallery.embedded.vector_file import VectorFile, read_header, vectors_path

ABOUT = replace(galleries.about(), uuid="0123456789abcdef" * 2)


def made(folder, count=20, about=ABOUT):
    file = VectorFile.create(vectors_path(folder, 1), about, 1)
    vectors = galleries.unit(count, about.dimension)
    rows, _ = file.rows(vectors)
    file.write(0, rows)
    return file, vectors


@pytest.mark.parametrize("dimension", [1, 7, 8])
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_vectors_come_back(tmp_path, dimension, precision):
    """Written in parts, over what a broken-off batch left, read in blocks and by slots, in their precision."""
    about = replace(ABOUT, dimension=dimension, precision=precision)
    file, vectors = made(tmp_path, 20, about)
    later = galleries.unit(5, dimension, seed=1)
    rows, sums = file.rows(later)
    file.write(18, rows)
    wanted = np.concatenate([vectors[:18], later]).astype(precision).astype(np.float32)
    again = VectorFile.open(file.path, about, 1)
    blocks = list(again.blocks(3, 23))

    np.testing.assert_array_equal(np.concatenate([again.numbers(rows) for _, rows in blocks]), wanted[3:])
    assert not any(again.wrong(rows).any() for _, rows in blocks)
    np.testing.assert_array_equal(again.read(np.array([22, 0, 0])), wanted[[22, 0, 0]])
    np.testing.assert_array_equal(again.read_proven(np.array([7])), wanted[[7]])
    np.testing.assert_array_equal(again.checksums_at([18, 19, 20, 21, 22]), sums)
    assert again.slots() == 23


def test_a_checksum_is_what_it_says(tmp_path):
    """FNV-1a over 32-bit words, from the beginning of the uuid."""
    file, vectors = made(tmp_path, 7)
    for slot, vector in enumerate(vectors):
        value = 0x01234567
        for word in vector.view(np.uint32).tolist():
            value = (value ^ word) * 0x01000193 % 2**32
        assert file.checksums_at([slot]) == [value]


def test_any_damage_to_rows_is_seen(tmp_path):
    """Every flipped bit of a row, and rows of another gallery or in the wrong order."""
    file, _ = made(tmp_path, 2)
    rows = file.words(np.array([0, 1])).copy()
    other = VectorFile(file.path, replace(ABOUT, uuid="f" * 32))

    assert other.wrong(rows).all()
    for column in range(rows.shape[1]):
        for bit in range(32):
            damaged = rows.copy()
            damaged[1, column] ^= np.uint32(1 << bit)
            assert file.wrong(damaged).tolist() == [False, True]


def test_damaged_vectors_are_not_given_out(tmp_path):
    """Where they are asked to be proven, and where the file ends too early."""
    file, _ = made(tmp_path, 4)
    content = bytearray(file.path.read_bytes())
    content[-10] ^= 1
    file.path.write_bytes(content)

    assert len(VectorFile.open(file.path, ABOUT, 1).read_proven(np.array([0, 2]))) == 2
    with pytest.raises(ArtefactError, match=r"1 vectors in .* are corrupt"):
        VectorFile.open(file.path, ABOUT, 1).read_proven(np.array([0, 3]))
    file.path.write_bytes(content[:-1])
    with pytest.raises(ArtefactError, match="truncated"):
        VectorFile.open(file.path, ABOUT, 1).read(np.array([3]))
    with pytest.raises(ArtefactError, match="truncated"):
        list(VectorFile.open(file.path, ABOUT, 1).blocks(0, 4))


def test_any_damage_to_the_header_is_seen(tmp_path):
    """Nothing else than what was written is believed."""
    file, _ = made(tmp_path, 1)
    header, rest = file.path.read_bytes()[:4096], file.path.read_bytes()[4096:]
    for mutant in damage.mutants(header, 100):
        file.path.write_bytes(mutant + rest)
        with pytest.raises(ArtefactError, match=re.escape(str(file.path))):
            VectorFile.open(file.path, ABOUT, 1)


def test_files_of_others(tmp_path):
    """Another gallery's, another generation's, and none."""
    file, _ = made(tmp_path, 1)

    assert read_header(file.path)["generation"] == 1
    with pytest.raises(ArtefactError, match="belongs to another gallery"):
        VectorFile.open(file.path, replace(ABOUT, model="e" * 64), 1)
    with pytest.raises(ArtefactError, match="belongs to another gallery"):
        VectorFile.open(file.path, ABOUT, 2)
    with pytest.raises(MissingInputError, match="lost its vectors"):
        VectorFile.open(vectors_path(tmp_path, 2), ABOUT, 2)
