"""Files of images that clients add."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from reid import files
from reid.gallery.entries import Stored
from reid.serve.decoding import Decoded
from reid.serve.problems import Problem


@dataclass(frozen=True)
class Uploads:
    """Where the files of added images are kept, so that a gallery of them can be embedded again.

    Attributes:
        folder: holds nothing else; None takes no images.
    """

    folder: Path | None

    def keep(self, decoded: Decoded) -> Path:
        """The file with the content, whose name follows from it alone.

        Raises:
            Problem: images are not taken.
            ArtefactError: the disk is full or failed.
        """
        if self.folder is None:
            raise Problem(403, "this server takes no images: it was started without a folder for them (--uploads)")
        path = self.folder / f"{decoded.sha256}{decoded.suffix}"
        if not path.exists():
            files.make_folder(self.folder)
            files.write_bytes(path, decoded.content)
        return path

    def drop(self, image: Stored) -> None:
        """Delete the file of an image that was removed, if it is one of these."""
        path = Path(image.path)
        if self.folder is not None and path.parent == self.folder and path.stem == image.sha256:
            with contextlib.suppress(OSError):
                path.unlink()
