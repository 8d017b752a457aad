"""The endpoints. What they take and give is in `reid.serve.schemas`, what they do in `reid.serve.service`."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from reid.serve import schemas
from reid.serve.bodies import PICTURE, content_type, fields_of, parsed, read_json, read_picture
from reid.serve.problems import CONTENT_TYPE
from reid.serve.running import Running
from reid.serve.schemas import Change, Listing, Name, Options, Question, Told

Number = Annotated[int, Path(ge=1, le=2**53 - 1, description="Of an image.")]
_TROUBLES = {
    400: "The request cannot be read.",
    401: "The token is missing or wrong.",
    403: "It is not allowed here.",
    404: "The gallery does not have it.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    415: "The body is of another kind.",
    421: "The server does not go by that name.",
    422: "What the request says cannot be used.",
    429: "Too much at once; Retry-After says when to try again.",
    503: "Not now; Retry-After says when to try again.",
}
_PICTURE = {"type": "string", "format": "binary"}
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": _PICTURE}}, "description": "A small JPEG."}
}
_BODIES = {
    "multipart/form-data": {
        "schema": {"type": "object", "required": [PICTURE], "properties": {PICTURE: _PICTURE}},
    },
    "image/*": {"schema": _PICTURE},
    "application/octet-stream": {"schema": _PICTURE},
}


def troubles(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What may go wrong at an endpoint, for its description; some can anywhere."""
    schema = {"$ref": "#/components/schemas/Trouble"}
    return {
        status: {"description": _TROUBLES[status], "content": {CONTENT_TYPE: {"schema": schema}}}
        for status in (401, 403, 421, 422, 429, 503, *statuses)
    }


def routes(running: Running, *, writable: bool) -> APIRouter:
    """All endpoints but the page's."""
    router = APIRouter()
    _searching(router, running)
    _changing(router, running)
    _looking(router, running, writable=writable)
    return router


def _searching(router: APIRouter, running: Running) -> None:
    service = running.service
    question = {"application/json": {"schema": Question.model_json_schema()}}

    @router.post(
        "/search",
        tags=["search"],
        summary="Where else did this appear?",
        response_model=schemas.Answer,
        responses=troubles(400, 404, 408, 413, 415),
        openapi_extra={"requestBody": {"required": True, "content": {**_BODIES, **question}}},
    )
    async def search(request: Request, options: Annotated[Options, Query()]) -> Any:
        """Rank images or identities for a picture, a vector, or an image of the gallery.

        The body is a picture, a form with the file `image`, or JSON with `vector` or `image` (an id). Options are
        query parameters; those in a form or in JSON go before them.
        """
        if content_type(request) == "application/json":
            asked = parsed(Question, options, await read_json(request))
            async with running.search:
                if asked.image is not None:
                    return await running.ask(partial(service.search_image, asked.image, asked))
                return await running.ask(partial(service.search_vector, asked.vector or [], asked))
        content, fields = await read_picture(request)
        wanted = parsed(Options, options, fields_of(Options, fields))
        async with running.search:
            decoded, vector = await running.vector(content, urgent=True)
            return await running.ask(partial(service.search, vector, wanted, frozenset({decoded.sha256})))


def _changing(router: APIRouter, running: Running) -> None:
    service = running.service

    @router.post(
        "/images",
        tags=["change"],
        summary="Add an image",
        response_model=schemas.Added,
        status_code=201,
        responses={
            200: {"model": schemas.Added, "description": "It was there already."},
            **troubles(400, 408, 413, 415),
        },
        openapi_extra={"requestBody": {"required": True, "content": _BODIES}},
    )
    async def add(request: Request, response: Response, told: Annotated[Told, Query()]) -> Any:
        """Keep a picture, unless its content is there already; so a request that failed can be sent again.

        The body is a picture, or a form with the file `image`. What is known of it are query parameters, or fields of
        the form, which go before them.
        """
        content, fields = await read_picture(request)
        known = parsed(Told, told, fields_of(Told, fields))
        async with running.add:
            decoded, vector = await running.vector(content, urgent=False)
            done = await running.write(partial(service.add, decoded, vector, known))
        response.status_code = 201 if done["added"] else 200
        running.added()
        return done

    @router.delete(
        "/images/{id}",
        tags=["change"],
        summary="Remove an image",
        response_model=schemas.Removed,
        responses=troubles(404),
    )
    async def remove(number: Annotated[Number, Path(alias="id")]) -> Any:
        """Nobody finds it from then on; its vector stays in the gallery's files until `reid-gallery compact`."""
        async with running.change:
            return await running.write(partial(service.remove, number))

    @router.patch(
        "/identities",
        tags=["change"],
        summary="Label images, or merge identities",
        response_model=schemas.Changed,
        responses=troubles(400, 404, 408, 413),
    )
    async def change(change: Change) -> Any:
        """Say which identity the images `ids` show, or that the identities `merge` are one."""
        async with running.change:
            return await running.write(partial(service.change, change))


def _looking(router: APIRouter, running: Running, *, writable: bool) -> None:
    service = running.service

    @router.get("/images", tags=["look"], summary="Some images", response_model=schemas.Images, responses=troubles())
    async def images(condition: Annotated[Listing, Query()]) -> Any:
        """The first images, by id, for which a condition holds."""
        async with running.look:
            return await running.ask(partial(service.images, condition.where(), condition.limit))

    @router.get(
        "/images/{id}/thumbnail",
        tags=["look"],
        summary="A small JPEG of an image",
        response_class=Response,
        responses={**_JPEG, **troubles(404)},
    )
    async def thumbnail(number: Annotated[Number, Path(alias="id")]) -> Response:
        """At most 128 pixels wide and high."""
        async with running.look:
            content = await running.ask(partial(service.thumbnail, number))
        return Response(content, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=600"})

    @router.get(
        "/identities/timeline",
        tags=["look"],
        summary="Where and when an identity was seen",
        response_model=schemas.Timeline,
        responses=troubles(404),
    )
    async def timeline(identity: Annotated[Name, Query()]) -> Any:
        """Its images by time, at most 2,000, and from when to when each camera saw it."""
        async with running.look:
            return await running.ask(partial(service.timeline, identity))

    @router.get(
        "/gallery",
        tags=["look"],
        summary="What the gallery holds",
        response_model=schemas.Statistics,
        responses=troubles(),
    )
    async def gallery() -> Any:
        """Numbers of images, identities and cameras, and what the server takes."""
        async with running.look:
            counts = await running.ask(service.statistics)
        return {**counts, "writable": writable, "upload_bytes": running.limits.upload}
