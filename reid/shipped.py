"""Where the dataset cards and recipes are: in the installed package, or in the checkout it is run from."""

from pathlib import Path

from reid.errors import ArtefactError

_PACKAGE = Path(__file__).resolve().parent


def folder(kind: str) -> Path:
    """The folder of shipped YAML files of a kind.

    Args:
        kind: "datasets" (cards) or "configs" (recipes).

    Raises:
        ArtefactError: neither the installed copy nor a checkout holds them, so the installation is broken.
    """
    installed = _PACKAGE / "_shipped" / kind
    if any(installed.glob("*.yaml")):
        return installed
    # A folder named `datasets` next to site-packages is somebody else's; ours has setup.py beside it.
    checkout = _PACKAGE.parent
    if (checkout / "setup.py").is_file() and any((checkout / kind).glob("*.yaml")):
        return checkout / kind
    raise ArtefactError(f"the shipped {kind}/ folder is missing beside {_PACKAGE}; install reid-toolkit again")


def names(kind: str) -> list[str]:
    """Names of the shipped YAML files of a kind, without ending, sorted."""
    return sorted(path.stem for path in folder(kind).glob("*.yaml"))
