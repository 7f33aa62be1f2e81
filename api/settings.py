"""What the surroundings say: language, day, folders, database, debugging. No other file reads environment or clock.

Nothing of ours is imported here, so that the command line answers `--version` and `--help` at once.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

LANGUAGES = ("zh", "en")
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
