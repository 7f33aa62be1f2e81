"""What the surroundings say: language, day, folders, database, service. No other file reads environment or clock.

Nothing of ours is imported here, so that the command line answers `--version` and `--help` at once.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

LANGUAGES = ("zh", "en")
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which the metrics library knows that several processes share a folder."""
MARKET_ZONE = "Asia/Shanghai"
"""The market's days, whatever the machine's zone."""


def language_of_environment(environment: Mapping[str, str] | None = None) -> str:
    """The language of the locale: LC_ALL, then LC_MESSAGES, then LANG; Chinese where they name neither language."""
    known = os.environ if environment is None else environment
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = known.get(name, "")
        if value:
            found = next((lang for lang in LANGUAGES if value.casefold().startswith(lang)), None)
            return found or "zh"
    return "zh"


def language_of(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """The language that `--lang` asks for, else the environment's: known before the arguments are read in earnest."""
    asked = ""
    for k, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == "--lang" and k + 1 < len(arguments):
            asked = arguments[k + 1]
        elif argument.startswith("--lang="):
            asked = argument.removeprefix("--lang=")
    return asked if asked in LANGUAGES else language_of_environment(environment)


def today() -> date:
    """Today on the market."""
    return datetime.now(ZoneInfo(MARKET_ZONE)).date()


def debugging() -> bool:
    """Whether faults of ours show their traceback."""
    return os.environ.get("JINHENG_DEBUG", "") not in ("", "0")


def now() -> datetime:
    """This moment, in UTC: what receipts carry."""
    return datetime.now(UTC)


def database_url(asked: str | None, environment: Mapping[str, str] | None = None) -> str:
    """The database: what `--database` asks for, else JINHENG_DATABASE, else a file in the user's own data folder."""
    known = os.environ if environment is None else environment
    given = asked or known.get("JINHENG_DATABASE", "")
    return given or f"sqlite:///{_own_folder('XDG_DATA_HOME', '.local/share', known) / 'jinheng.db'}"


@dataclass(frozen=True)
class ServiceSettings:
    """How the service runs. Each is a variable of the environment, JINHENG_ and its name in capitals."""

    database: str
    """sqlite:///FILE or postgresql://..."""
    host: str = "127.0.0.1"
    """Addresses beyond this machine are refused until an administrator exists."""
    port: int = 8000
    workers: int = 1
    """Server processes."""
    planners: int = os.cpu_count() or 1
    """Processes of each server that make plans; default: one a core. 0: a thread of the server."""
    plan_seconds: int = 60
    """A plan that takes longer is refused; jobs may take as long as they need."""
    body_bytes: int = 30_000_000
    """Of a request: an offers file of 100,000 rows is a fifth of it."""
    evidence_bytes: int = 20_000_000
    """Of a file that proves a retirement: scans of certificates are a tenth of it."""
    rate_per_second: int = 50
    """Requests of one key or session, or of one address before it signed in; not counted on this machine alone."""
    rate_burst: int = 500
    """Requests that may come at once."""
    log_level: str = "info"
    """debug | info | warning | error"""
    log_format: str = "auto"
    """json | text | auto: text where stderr is a terminal, else json"""
    secure_cookies: bool = False
    """Cookies only over HTTPS: set it wherever others reach the service."""
    worker: bool = True
    """`serve` also starts a worker for jobs."""
    worker_slots: int = 2
    """Jobs that a worker does at once; the cores are shared among them."""
    worker_lost_seconds: int = 15
    """After so many seconds without a word a worker counts as lost, and others take over its jobs."""
    shutdown_seconds: int = 20
    """What requests get to finish in when the service is asked to stop."""
    drain_seconds: int = 0
    """How long the service, asked to stop, still takes requests while `/readyz` says that it is not ready."""
    request_seconds: int = 60
    """In which a request must have arrived, head and body."""
    busy_seconds: int = 30
    """How long a request waits for a lock of the database, or for a connection to it."""
    trusted_proxies: str = "127.0.0.1"
    """Addresses, parted by commas, of proxies whose X-Forwarded-For and -Proto are believed; * is every one."""


def service_settings(
    asked: Mapping[str, object] | None = None, environment: Mapping[str, str] | None = None
) -> tuple[ServiceSettings, dict[str, str], list[tuple[str, str]]]:
    """The service's settings, where each comes from, and what could not be read: (variable, text).

    `asked` are options of the command line, None where they were not given; they outrank the environment, and that
    outranks the defaults.
    """
    known = os.environ if environment is None else environment
    given = {name: value for name, value in (asked or {}).items() if value is not None}
    values: dict[str, object] = {"database": database_url(str(given.get("database") or "") or None, known)}
    sources = {
        "database": "option" if given.get("database") else "environment" if known.get("JINHENG_DATABASE") else ""
    }
    faulty: list[tuple[str, str]] = []
    for field in fields(ServiceSettings)[1:]:
        variable = f"JINHENG_{field.name.upper()}"
        if field.name in given:
            values[field.name], sources[field.name] = given[field.name], "option"
        elif known.get(variable):
            read = _setting(known[variable], field.default)
            sources[field.name] = "environment"
            if read is None:
                faulty.append((variable, known[variable]))
            else:
                values[field.name] = read
        else:
            sources[field.name] = ""
    return ServiceSettings(**values), sources, faulty  # type: ignore[arg-type]  # read by the kind of their defaults


def export_settings(known: ServiceSettings) -> None:
    """Puts the settings into this process's environment: server processes start with that alone."""
    for name, value in asdict(known).items():
        os.environ[f"JINHENG_{name.upper()}"] = str(value)


def _setting(text: str, default: object) -> object | None:
    """A text as the kind of value that the default is; None where it is no such value."""
    if isinstance(default, bool):
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(text.casefold())
    if isinstance(default, int):
        return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None
    return text


def metrics_folder(environment: Mapping[str, str] | None = None) -> str:
    """Where server processes of one `serve` add up their figures; nothing where there is one process."""
    return (os.environ if environment is None else environment).get(METRICS_FOLDER, "")


def share_metrics(folder: Path) -> None:
    """Has the processes that this one starts add up their figures in a folder."""
    os.environ[METRICS_FOLDER] = str(folder)


def cache_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Where answers of feeds are kept."""
    return _own_folder("XDG_CACHE_HOME", ".cache", os.environ if environment is None else environment) / "feeds"


def proxy_and_certificates(environment: Mapping[str, str] | None = None) -> tuple[str | None, Path | None]:
    """The proxy that feeds are fetched through (HTTPS_PROXY) and certificates to trust (SSL_CERT_FILE), where named."""
    known = os.environ if environment is None else environment
    proxy = known.get("HTTPS_PROXY") or known.get("https_proxy") or None
    certificates = known.get("SSL_CERT_FILE")
    return proxy, Path(certificates) if certificates else None


def _own_folder(variable: str, below_home: str, environment: Mapping[str, str]) -> Path:
    """JINHENG_HOME, else the folder that the desktop's conventions name (XDG), else its usual place below home."""
    if environment.get("JINHENG_HOME"):
        return Path(environment["JINHENG_HOME"])
    named = environment.get(variable, "")
    return (Path(named) if named.startswith("/") else Path.home() / below_home) / "jinheng"
