"""The log: one JSON line an event on stderr, or readable lines where somebody watches; never a secret.

    {"time", "level", "logger", "message", "request_id", ..., "traceback"}

Facts of a line come with it, as `extra={"facts": {...}}`. What has the form of a secret is masked whatever wrote it.
"""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

FORMATS = ("auto", "json", "text")
LOGGERS = {"uvicorn.error": "uvicorn"}
"""Loggers whose own names mislead: the server tells everything through its logger of errors."""
_SECRETS = [
    (re.compile(r"jh_[A-Za-z0-9_-]{20,}"), "jh_***"),
    (re.compile(r"(?i)(bearer\s+)[^\s\"',]+"), r"\1***"),
    (re.compile(r"(?i)(jinheng_session=)[^\s;\"',]+"), r"\1***"),
    (re.compile(r"(://[^:@/\s]*:)[^@/\s]+@"), r"\1***@"),
    (re.compile(r"(?i)(password[\"']?\s*[=:]\s*)(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s,;&}]+)"), r"\1***"),
]
"""Keys, credentials of a request, cookies of sessions, passwords in addresses and in what names them."""


def masked(text: str) -> str:
    """A text without what has the form of a secret."""
    for form, instead in _SECRETS:
        text = form.sub(instead, text)
    return text


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        told: dict[str, Any] = {
            "time": _time_of(record),
            "level": record.levelname.casefold(),
            "logger": LOGGERS.get(record.name, record.name),
            "message": masked(record.getMessage()),
        }
        told |= {k: masked(v) if isinstance(v, str) else v for k, v in getattr(record, "facts", {}).items()}
        if record.exc_info:
            told["traceback"] = masked(self.formatException(record.exc_info))
        return json.dumps(told, ensure_ascii=False, default=str)


class ReadableLines(logging.Formatter):
    """Lines for people: time, level, message, and the facts that are not in it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record, its traceback below."""
        facts = getattr(record, "facts", {})
        told = " ".join(f"{k}={v}" for k, v in facts.items() if v != "" and k not in ("method", "path", "status"))
        line = f"{_time_of(record)[11:23]} {record.levelname:<7} {record.getMessage()}  {told}".rstrip()
        # A path may hold anything: control characters could steer the terminal.
        line = "".join(ch if ch.isprintable() else "\ufffd" for ch in line)
        return masked(f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line)


def _time_of(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def log_settings(level: str, form: str, watched: bool) -> dict[str, Any]:
    """How the log is written, for `logging.config`: the server's own lines go the same way.

    Args:
        level: from which on lines of ours and of the server are written; of others warnings are.
        form: json, text, or auto: text where somebody watches.
        watched: whether stderr is a terminal.
    """
    readable = form == "text" or (form == "auto" and watched)
    known = level.upper() if level in ("debug", "info", "warning", "error") else "INFO"
    ours = {"level": known, "handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": ReadableLines if readable else JsonLines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "line"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {name: dict(ours) for name in ("jinheng", "uvicorn", "uvicorn.error", "uvicorn.asgi")},
    }
