"""What all commands share: the one error handler with its exit codes, and the options every command has."""

import contextlib
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from reid import files, text
from reid.errors import ReidError


@dataclass
class _Call:
    debug: bool = False


class _Terminated(BaseException):
    """SIGTERM arrived; unwinds the stack so that temporary files are removed."""


def run(command: click.Command) -> NoReturn:
    """Call `command` with the process's arguments and exit with the code that its outcome has in `reid.errors`."""
    _print_any_name()
    call = _Call()
    with contextlib.suppress(ValueError):  # only the main thread may set handlers
        signal.signal(signal.SIGTERM, _terminate)
    try:
        code = command.main(standalone_mode=False, obj=call)
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except BaseException as error:  # noqa: BLE001  this is the one place that turns every outcome into an exit code
        code = _report(error, debug=call.debug)
    sys.exit(code if isinstance(code, int) else 0)


def shared_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--json FILE|-` (passed on as `json`) and `--debug`."""
    function = click.option(
        "--debug", is_flag=True, expose_value=False, callback=_set_debug, help="Show the traceback of an error."
    )(function)
    return click.option(
        "--json", "json", metavar="FILE|-", help="Write the result as JSON to FILE, or to standard output for '-'."
    )(function)


def emit(value: object, json: str | None, human: Callable[[], None]) -> None:
    """Print the result: `human()` on standard output, or JSON there for "-"; JSON goes to a file beside it otherwise."""
    if json == "-":
        click.echo(files.to_json(value))
        return
    if json is not None:
        files.write_json(Path(json), value)
    human()


def _set_debug(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and isinstance(context.obj, _Call):
        context.obj.debug = True


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _Terminated


def _report(error: BaseException, *, debug: bool) -> int:
    if debug and not isinstance(error, click.ClickException):
        traceback.print_exception(error)
    message, code = _outcome(error)
    if message:
        click.echo("\n".join(text.printable(line) for line in message.split("\n")), err=True)
    return code


def _outcome(error: BaseException) -> tuple[str, int]:
    match error:
        case click.exceptions.Exit():
            return "", error.exit_code
        case click.Abort() | KeyboardInterrupt():
            return "interrupted", 128 + signal.SIGINT
        case click.ClickException():
            error.show()
            return "", error.exit_code
        case SystemExit():
            return "", error.code if isinstance(error.code, int) else 1
        case ReidError():
            return f"error: {error}", error.exit_code
        case _Terminated():
            return "terminated", 128 + signal.SIGTERM
        case _:
            return f"error: this is a bug: {error or type(error).__name__}. {_log(error)}", ReidError.exit_code


def _log(error: BaseException) -> str:
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="reid-", suffix=".log", delete=False, errors="backslashreplace"
        ) as file:
            traceback.print_exception(error, file=file)
    except OSError as failure:
        return f"The traceback could not be written ({failure}); run again with --debug"
    return f"The traceback is in {file.name}; please report it"


def _print_any_name() -> None:
    """File names need not be valid text: print what cannot be encoded as escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
