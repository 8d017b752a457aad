"""What all commands share: the one error handler with its exit codes, and the options every command has."""

import codecs
import contextlib
import errno
import io
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
from reid.errors import ArtefactError, OutputError, ReidError

_DISK_FAILURES = {errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC}


@dataclass
class _Call:
    debug: bool = False


class _Terminated(KeyboardInterrupt):
    """SIGTERM arrived: unwinds the stack as Ctrl-C does, so that temporary files go and runs stay resumable."""


def run(command: click.Command) -> NoReturn:
    """Call `command` with the process's arguments and exit with the code that its outcome has in `reid.errors`."""
    _print_any_name()
    call = _Call()
    with contextlib.suppress(ValueError):  # only the main thread may set handlers
        signal.signal(signal.SIGTERM, _terminate)
    try:
        # What `command.main` adds is its own way with broken pipes and interrupts, which differs between versions.
        with command.make_context(Path(sys.argv[0]).name, sys.argv[1:], obj=call) as context:
            code = command.invoke(context)
        if sys.stdout is not None:  # as after `>&-`
            sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001  this is the one place that turns every outcome into an exit code
        code = _report(error, debug=call.debug)
    _drop_unwritten()
    sys.exit(code if isinstance(code, int) else 0)


def shared_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--json FILE|-` (passed on as `json`) and `--debug`."""
    function = click.option(
        "--debug",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_set_debug,
        help="Show the traceback of an error.",
    )(function)
    return click.option(
        "--json",
        "json",
        metavar="FILE|-",
        callback=_check_json,
        help="Write the result as JSON to FILE, or to standard output for '-'.",
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


def _check_json(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Refuses a place that cannot be written to before the work is done whose result would go there."""
    if value not in {None, "-"}:
        folder = os.path.isdir(value)  # noqa: PTH112  unlike Path.is_dir, it takes any name
        if folder or not Path(value).parent.is_dir():
            reason = "that is a folder" if folder else "there is no such folder"
            raise OutputError(f"--json {text.printable(value)}: {reason}; name a file in a folder that exists")
    return value


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _Terminated


def _report(error: BaseException, *, debug: bool) -> int:
    message, code = _outcome(error)
    with contextlib.suppress(OSError):  # nobody reads any more
        if debug and message and not isinstance(error, click.ClickException):
            traceback.print_exception(error)
        if message:
            click.echo("\n".join(text.printable(line) for line in (_process() + message).split("\n")), err=True)
    return code


def _process() -> str:
    """Which of several processes that torchrun started speaks, unless it is the first."""
    rank = os.environ.get("RANK", "0")
    return "" if rank == "0" or os.environ.get("WORLD_SIZE", "1") == "1" else f"process {rank}: "


def _outcome(error: BaseException) -> tuple[str, int]:
    match error:
        case click.exceptions.Exit():
            return "", error.exit_code
        case _Terminated():
            return "terminated", 128 + signal.SIGTERM
        case click.Abort() | KeyboardInterrupt():
            return "interrupted", 128 + signal.SIGINT
        case click.ClickException():
            return _usage(error), error.exit_code
        case BrokenPipeError():  # `| head` has seen enough
            return "", 0
        case SystemExit():
            return "", error.code if isinstance(error.code, int) else int(error.code is not None)
        case ReidError():
            return f"error: {error}" if str(error) else "", error.exit_code  # without a message where another has told
        case OSError() if error.errno in _DISK_FAILURES:
            return f"error: {error}", ArtefactError.exit_code
        case _:
            first = str(error).partition("\n")[0]
            return f"error: this is a bug: {type(error).__name__}: {first}. {_log(error)}", ReidError.exit_code


def _usage(error: click.ClickException) -> str:
    shown = io.StringIO()
    error.show(file=shown)
    return shown.getvalue().rstrip("\n")


def _log(error: BaseException) -> str:
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="reid-", suffix=".log", delete=False, errors="backslashreplace"
        ) as file:
            traceback.print_exception(error, file=file)
    except OSError as failure:
        return f"The traceback could not be written ({failure}); run again with --debug"
    return f"The traceback is in {file.name}; please report it"


def _drop_unwritten() -> None:
    """Lets go of what cannot be printed any more, which would otherwise fail once again when the process ends."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_any_name() -> None:
    """File names need not be valid text: print what cannot be encoded as escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            ascii_only = codecs.lookup(stream.encoding).name == "ascii"  # click would print question marks
            stream.reconfigure(encoding="utf-8" if ascii_only else None, errors="backslashreplace")
