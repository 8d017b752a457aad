"""Everything that can go wrong in a way the user can do something about.

    ReidError                      70  never raised itself
    +-- ConfigError                78  a setting: unknown key, wrong type, out of range, contradicting another
    +-- DataError                  65  a dataset, list, table or image says something it must not
    |   +-- MissingInputError      66  a file or folder that was named does not exist or cannot be read
    +-- ShapeError                 65  arrays that do not fit together, or hold NaN or infinity
    +-- ArtefactError              74  a file of ours is corrupt, or reading or writing it failed
    |   +-- OutputError            73  the place for an output cannot be created or must not be overwritten
    +-- GalleryError               65  a gallery was asked for something it cannot do
    +-- LoaderError                75  a process that reads images died or hangs, or an image could not be prepared
    +-- InUseError                 75  another process is at work in a folder that only one may change
    +-- TrainingInterrupted        75  a run was stopped and can be resumed
    |   +-- ProcessLost            75  another process of the same run ended or hangs
    +-- TrainingDiverged           76  the loss is no longer a number

The number is the exit code of the command line (BSD sysexits where one fits). A message is one sentence or
a few: what went wrong, in which file, field or row, what was found there, and what to do about it.
"""


class ReidError(Exception):
    """Base of all errors that are the user's to mend; `exit_code` is what a command ends with."""

    exit_code = 70


class ConfigError(ReidError):
    """A setting is unknown, of the wrong type, out of its range, or contradicts another."""

    exit_code = 78


class DataError(ReidError):
    """A dataset, list, table or image holds something it must not."""

    exit_code = 65


class MissingInputError(DataError):
    """A named file or folder does not exist or cannot be read."""

    exit_code = 66


class ShapeError(ReidError):
    """Arrays do not fit together, or hold NaN or infinity."""

    exit_code = 65


class ArtefactError(ReidError):
    """A file written by this toolkit is corrupt, of another version, or could not be read or written."""

    exit_code = 74


class OutputError(ArtefactError):
    """The place for an output cannot be created, or holds something that must not be overwritten."""

    exit_code = 73


class GalleryError(ReidError):
    """A gallery was asked for something it cannot do."""

    exit_code = 65


class LoaderError(ReidError):
    """A process that reads images died or hangs, or code that prepares an image failed; the data need not be at fault."""

    exit_code = 75


class InUseError(ReidError):
    """Another process is at work in a folder that only one may change at a time."""

    exit_code = 75


class TrainingInterrupted(ReidError):  # noqa: N818  not an error of anybody's: the run was asked to stop
    """A training run was stopped and left a state from which it can be resumed."""

    exit_code = 75


class ProcessLost(TrainingInterrupted):
    """Another process of the same run ended or hangs; the message is empty where the cause has been told already."""


class TrainingDiverged(ReidError):  # noqa: N818  as above
    """The loss or a gradient is NaN or infinite."""

    exit_code = 76
