"""The application: endpoints, page, errors and rules put together."""

from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from reid.errors import ReidError
from reid.serve import problems, schemas
from reid.serve.access import Access
from reid.serve.bodies import mistakes
from reid.serve.guard import Guard
from reid.serve.metrics import CONTENT_TYPE, Metrics
from reid.serve.page import INDEX, page_files
from reid.serve.problems import Problem
from reid.serve.routes import routes, troubles
from reid.serve.running import Running

_ABOUT = """Search a gallery of vehicles or persons with camera crops, and change it.

Changes need the header `Authorization: Bearer TOKEN`; reading does too, unless the server is only for its own machine.
Identities that are not known are called `unknown` in requests and null in answers."""


def make_app(running: Running, access: Access, *, version: str = "0") -> Guard:
    """The whole application, which answers while `running` lives."""
    app = FastAPI(
        title="reid",
        summary="A gallery over HTTP",
        description=_ABOUT,
        version=version,
        docs_url=None,  # such pages are drawn by scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={
            HTTPException: _refused,
            RequestValidationError: _refused,
            ReidError: _refused,
            Exception: _failed,
        },
    )
    metrics = Metrics(running.gauges())
    writable = not access.read_only and running.service.uploads.folder is not None
    app.include_router(routes(running, writable=writable))
    _add_machinery(app, metrics)
    _add_page(app)
    app.openapi = partial(_document, app, app.openapi)  # type: ignore[method-assign]
    return Guard(app, access, running.limits, running.budget, metrics)


def _add_machinery(app: FastAPI, metrics: Metrics) -> None:
    text: dict[int | str, dict[str, Any]] = {
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus text."}
    }

    @app.get("/health", tags=["look"], summary="Whether the server answers", response_model=schemas.Health)
    async def health() -> schemas.Health:
        """Needs no token, and says nothing of the gallery."""
        return schemas.Health()

    @app.get(
        "/metrics",
        tags=["look"],
        summary="What the server did, for Prometheus",
        response_class=Response,
        responses={**text, **troubles()},
    )
    async def read_metrics() -> Response:
        """Counts, times, memory and what is going on."""
        return Response(metrics.text(), headers={"Content-Type": CONTENT_TYPE})


def _add_page(app: FastAPI) -> None:
    files = page_files()

    @app.get("/", include_in_schema=False)
    @app.get("/page/{name}", include_in_schema=False)
    async def page(name: str = INDEX) -> Response:
        file = files.get(name)
        if file is None:
            raise Problem(404, "there is no such page")
        headers = {"Content-Type": file.content_type, "Cache-Control": "no-cache"}
        return Response(file.content, headers=headers)


async def _refused(request: Request, error: Exception) -> Response:
    """What every error becomes; one that is no mistake of the client's is passed on to be logged."""
    if isinstance(error, RequestValidationError):
        problem: HTTPException = _unreadable(error)
    elif isinstance(error, ReidError):
        problem = problems.told(error)
        if problem.status_code >= 500 and problem.status_code != 503:
            raise error
    elif isinstance(error, HTTPException):
        problem = error
    else:
        raise error
    content = problems.body(problem, request.scope.get("reid.number", ""))
    return Response(content, problem.status_code, {**(problem.headers or {}), "Content-Type": problems.CONTENT_TYPE})


async def _failed(request: Request, _error: Exception) -> Response:
    """What the client is told of a fault of ours, which goes on to be logged."""
    fault = Problem(500, "the server could not do this; its log says why")
    content = problems.body(fault, request.scope.get("reid.number", ""))
    return Response(content, 500, {"Content-Type": problems.CONTENT_TYPE})


def _unreadable(error: RequestValidationError) -> Problem:
    if any(one["type"] == "json_invalid" for one in error.errors()):
        return Problem(400, "the body is no JSON")
    return Problem(422, mistakes(error.errors()))


def _document(app: FastAPI, make: object) -> dict[str, object]:
    """The OpenAPI document, with the token and with our own kind of errors."""
    if app.openapi_schema is None:
        document = make() if callable(make) else {}
        parts = document["components"]
        parts["schemas"]["Trouble"] = schemas.Trouble.model_json_schema()
        parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}, {}]
        app.openapi_schema = document
    return app.openapi_schema
