"""What a request's body says: JSON, or a picture, as it is or in a form."""

import json
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import Request

from reid.serve.problems import Problem

PICTURE = "image"
"""The field of a form that holds the picture."""
_Model = TypeVar("_Model", bound=BaseModel)
_FIELDS, _FIELD_BYTES = 50, 10_000
_TOLD = 5  # mistakes that are told at once


def content_type(request: Request) -> str:
    """What the body is said to be, in lower case, such as "application/json"; "" where nothing is said."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_json(request: Request) -> dict[str, Any]:
    """The object in the body.

    Raises:
        Problem: there is none.
    """
    try:
        value = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise Problem(400, "the body is no JSON") from None
    if not isinstance(value, dict):
        raise Problem(422, "the body must be a JSON object: {...}")
    return value


async def read_picture(request: Request) -> tuple[bytes, list[tuple[str, str]]]:
    """The bytes of the picture in the body, and what else a form says.

    Raises:
        Problem: there is none.
    """
    kind = content_type(request)
    if kind == "multipart/form-data":
        content, fields = await _form(request)
    elif kind.startswith("image/") or kind == "application/octet-stream":
        content, fields = await request.body(), []
    else:
        raise Problem(415, f"send a picture: as it is (Content-Type: image/jpeg), or as the file {PICTURE!r} of a form")
    if not content:
        raise Problem(422, "the picture has no bytes")
    return content, fields


async def _form(request: Request) -> tuple[bytes, list[tuple[str, str]]]:
    try:
        form = await request.form(max_files=1, max_fields=_FIELDS, max_part_size=_FIELD_BYTES)
    except ValueError:  # of the parser
        raise Problem(400, "the form cannot be read") from None
    try:
        fields = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
        pictures = [value for name, value in form.multi_items() if name == PICTURE and isinstance(value, UploadFile)]
        if not pictures:
            raise Problem(422, f"the form has no file {PICTURE!r}")
        return await pictures[0].read(), fields
    finally:
        await form.close()


def parsed(model: type[_Model], known: BaseModel | None, values: dict[str, Any]) -> _Model:
    """Values as a model, over those that are known already.

    Raises:
        Problem: 422, with what is wrong with them.
    """
    before = {} if known is None else known.model_dump(exclude_unset=True)
    try:
        return model.model_validate({**before, **values})
    except ValidationError as error:
        raise Problem(422, mistakes(error.errors(include_url=False, include_input=False))) from None


def fields_of(model: type[BaseModel], pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The fields of a form as a model takes them: a list where it wants one, else the last value."""
    values: dict[str, Any] = {}
    for name, value in pairs:
        field = model.model_fields.get(name)
        if field is not None and isinstance(field.default, list):
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    return values


def _place(parts: Iterable[int | str]) -> str:
    """Of a mistake, such as "camera.0"; that it is in the query string or the address is plain enough."""
    first, *rest = [str(part) for part in parts] or ["body"]
    return ".".join(rest if rest and first in {"query", "path"} else [first, *rest])


def mistakes(errors: Iterable[Any]) -> str:
    """A sentence about what does not fit."""
    every = [f"{_place(error['loc'])}: {error['msg'].removeprefix('Value error, ')}" for error in errors]
    more = f" and {len(every) - _TOLD} more" if len(every) > _TOLD else ""
    return "; ".join(one[:200] for one in every[:_TOLD]) + more
