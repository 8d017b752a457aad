"""Files of ours: replaced whole or not at all, and proved unchanged when they are read.

All writing goes through here, so that a killed process or a full disk never costs what was there before.
"""

from reid.files.checksums import (
    MANIFEST,
    read_manifest,
    read_signed_json,
    read_signed_text,
    sha256,
    write_manifest,
    write_signed_json,
    write_signed_text,
)
from reid.files.json_files import read_json, to_json, write_json
from reid.files.locking import locked
from reid.files.reading import read_bytes, reading
from reid.files.replacing import (
    make_folder,
    move_along,
    new_folder,
    replacement,
    sweep,
    write_bytes,
    write_text,
    writing,
)
from reid.files.sealed import sealing, unsealing
from reid.files.space import free_space, megabytes, require_space

__all__ = [
    "MANIFEST",
    "free_space",
    "locked",
    "make_folder",
    "megabytes",
    "move_along",
    "new_folder",
    "read_bytes",
    "read_json",
    "read_manifest",
    "read_signed_json",
    "read_signed_text",
    "reading",
    "replacement",
    "require_space",
    "sealing",
    "sha256",
    "sweep",
    "to_json",
    "unsealing",
    "write_bytes",
    "write_json",
    "write_manifest",
    "write_signed_json",
    "write_signed_text",
    "write_text",
    "writing",
]
