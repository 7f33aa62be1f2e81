"""The application: its settings, its database, its routes, and what every request passes on its way in and out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.access.founding import prepare
from api.access.scope import Records
from api.database.opening import open_service_database
from api.door import Door
from api.metrics import Metrics
from api.openapi import describe
from api.pages.page_list import PAGES
from api.pages.viewing import SignInNeeded, is_page, page_of_error, to_sign_in
from api.passage import Passage
from api.planners import Planners
from api.problem_details import problem_response
from api.refusals import Refused
from api.router_list import ALL, IN_TURN
from api.routes.answering import language_of_request
from api.routes.faults import request_faults
from api.routes.plan_questions import warm_up
from api.settings import ServiceSettings, metrics_folder
from api.stopping import heeding_signals
from optimizer.errors import JinhengError

CODES = {404: "not_found", 405: "method_not_allowed", 406: "not_acceptable", 413: "too_large", 415: "media_type"}


def make_app(known: ServiceSettings) -> FastAPI:
    """The service over a database. The database is opened when the application starts.

    Raises:
        BadInput: when it starts, where the database cannot be used.
    """
    app = FastAPI(
        title="晋衡 jinheng",
        version=version("jinheng"),
        openapi_url="/v1/openapi.json",
        docs_url=None,  # its pages would be loaded from elsewhere
        redoc_url=None,
        lifespan=_lifespan,
        generate_unique_id_function=lambda route: route.name,
        telemetry={"auto_configure": False},
    )
    app.state.settings = known
    app.state.stopping = False
    app.state.metrics = Metrics(metrics_folder())
    for router in IN_TURN:
        app.include_router(router)
    app.add_middleware(Passage, metrics=app.state.metrics, body_bytes=known.body_bytes)
    for page_router in PAGES:
        app.include_router(page_router)
    for kind in (JinhengError, SignInNeeded, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _answer_error)
    describe(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    known: ServiceSettings = app.state.settings
    database = open_service_database(known.database, busy_seconds=known.busy_seconds)
    try:
        prepare(database)
        app.state.records = Records(database)
        app.state.door = Door(app.state.records, known)
        app.state.planners = planners = Planners(known, app.state.metrics)
        try:
            planners.warm(warm_up)
            with heeding_signals(app.state, known.drain_seconds):
                yield
            app.state.stopping = True
        finally:
            await planners.close()
    finally:
        app.state.metrics.close()
        database.close()


async def _answer_error(request: Request, error: Exception) -> Response:
    """Every error as a problem, or as a page where a page was asked for; what is ours is logged by the passage."""
    if isinstance(error, SignInNeeded):
        return to_sign_in(request)
    told: BaseException = error
    if isinstance(error, RequestValidationError):
        told = request_faults(error, _body_of(request))
    elif isinstance(error, HTTPException) and isinstance(error.__cause__, JinhengError):
        told = error.__cause__  # the body's own faults, which FastAPI wraps
    elif isinstance(error, HTTPException):
        headers = {"Allow": methods_of(request.url.path)} if error.status_code == 405 else dict(error.headers or {})
        told = Refused(CODES.get(error.status_code, "malformed"), headers=headers)
    if not isinstance(told, JinhengError):
        request.state.failure = error
    elif told is not error:
        told.__cause__ = error
    if is_page(request):
        return page_of_error(request, told, request_id_of(request))
    return problem_response(told, language_of_request(request), request_id_of(request), request.url.path)


def _body_of(request: Request) -> Any:
    """What the body of a request is read as; None where its address takes none."""
    field = getattr(request.scope.get("route"), "body_field", None)
    return None if field is None else field.field_info.annotation


def methods_of(path: str) -> str:
    """The methods that an address takes, as the header `Allow` names them."""
    known = (r for router in (*ALL, *PAGES) for r in router.routes if isinstance(r, APIRoute))
    routes = [r for r in known if r.path_regex.match(path)]
    return ", ".join(sorted({method for r in routes for method in r.methods or ()}))


def request_id_of(request: Request) -> str:
    """The id that the passage gave the request."""
    known: Any = getattr(request.state, "request_id", "")
    return str(known)
