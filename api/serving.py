"""`jinheng serve`: the service on a socket, refusing to be reached from elsewhere before anybody can administer it."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from api.access.people import has_administrator
from api.database.opening import open_service_database
from api.door import LOOPBACK
from api.jobs.companion import companion
from api.logs import log_settings
from api.settings import ServiceSettings, export_settings, service_settings, share_metrics
from optimizer.errors import BadInput
from optimizer.findings import fault


def usable(known: ServiceSettings, sources: dict[str, str], faulty: list[tuple[str, str]]) -> ServiceSettings:
    """The settings. Raises BadInput with every variable of the environment that could not be read."""
    del sources
    if faulty:
        zh, en = "应为整数或 true, false", "should be a whole number, or true or false"
        raise BadInput([fault("setting", zh, en, path=name, value=text) for name, text in faulty])
    return known


def serve(known: ServiceSettings) -> None:
    """Serves until it is asked to stop.

    Raises:
        BadInput: a database that cannot be used; an address beyond this machine before there is an administrator.
    """
    import uvicorn

    from api.slow_clients import PatientProtocol

    refuse_strangers(known)
    export_settings(known)
    signal.signal(signal.SIGTERM, _end_well)
    with shared_metrics(known), companion(known):
        uvicorn.run(
            "api.serving:application",
            factory=True,
            host=known.host,
            port=known.port,
            workers=known.workers,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=known.shutdown_seconds,
            log_config=log_settings(known.log_level, known.log_format, sys.stderr.isatty()),
            lifespan="on",
            http=PatientProtocol,
            loop="asyncio",  # uvloop would make the planners' sockets non-blocking
            forwarded_allow_ips=known.trusted_proxies,
        )


def _end_well(*_: object) -> None:
    """SIGTERM asks for an end: the server has finished its requests, or has not yet begun."""
    raise SystemExit(0)


@contextmanager
def shared_metrics(known: ServiceSettings) -> Iterator[None]:
    """In the block, server processes that this one starts add up their figures; one process needs no folder."""
    if known.workers == 1:
        yield
        return
    with TemporaryDirectory(prefix="jinheng-metrics-") as folder:
        share_metrics(Path(folder))
        yield


def refuse_strangers(known: ServiceSettings) -> None:
    """Raises BadInput for an address beyond this machine while anybody could do anything."""
    database = open_service_database(known.database, kept_open=False)
    try:
        with database.reading() as c:
            open_to_all = not has_administrator(c)
    finally:
        database.close()
    if open_to_all and known.host not in LOOPBACK:
        zh = "在有管理员之前只能绑定本机 (127.0.0.1); 请先运行 jinheng users add LOGIN --role administrator"
        en = "binds only to this machine (127.0.0.1) before there is an administrator; run jinheng users add first"
        raise BadInput([fault("no_administrator", zh, en, path="--host", value=known.host)])


def application() -> object:
    """The application of one server process, with the settings of its environment. Raises BadInput."""
    from api.app import make_app

    return make_app(usable(*service_settings()))
