"""Run by the interpreter of a fresh environment that holds the wheel: what is installed there is complete and is used."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def output(environment: Path, *command: str) -> str:
    """What a command of the environment prints, run from the root folder, where no checkout can help it."""
    return subprocess.run(
        [environment / "bin" / command[0], *command[1:]], cwd="/", capture_output=True, text=True, check=True
    ).stdout


def main(environment: Path) -> None:
    """Compare the environment's commands with the checkout."""
    place = Path(output(environment, "python", "-c", "import reid; print(reid.__file__)").strip())
    if not place.is_relative_to(environment.resolve()):
        sys.exit(f"the module in use is {place}, not the wheel's")
    first_words = {line.split()[0] for line in output(environment, "reid-data", "list").splitlines() if line.strip()}
    for kind, listed in (
        ("datasets", first_words),
        (
            "configs",
            set(
                output(
                    environment, "python", "-c", "from reid import shipped; print(*shipped.names('configs'))"
                ).split()
            ),
        ),
    ):
        missing = {path.stem for path in (CHECKOUT / kind).glob("*.yaml")} - listed
        if missing:
            sys.exit(f"the wheel lacks {', '.join(sorted(missing))} of {kind}/")
    commands = [script.name for script in importlib.metadata.distribution("reid-toolkit").entry_points]
    for command in commands:
        output(environment, command, "--help")
    sys.stdout.write(f"the wheel holds every card and recipe; {', '.join(commands)} start\n")


main(Path(sys.argv[1]))
