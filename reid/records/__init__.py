"""What the stages hand to each other: lists of labelled images, test sets, splits, embeddings.

Identities are integer codes. All records of one dataset share one table of identity names, sorted by name, so that
a code means the same identity in training, query and gallery, whatever order a folder was listed in.
"""

from reid.records.columns import (
    JUNK,
    NO_CAMERA,
    Floats,
    Integers,
    Records,
    build,
    concatenate,
    identity_table,
)
from reid.records.embeddings import Embeddings
from reid.records.splits import Splits, TestSet

__all__ = [
    "JUNK",
    "NO_CAMERA",
    "Embeddings",
    "Floats",
    "Integers",
    "Records",
    "Splits",
    "TestSet",
    "build",
    "concatenate",
    "identity_table",
]
