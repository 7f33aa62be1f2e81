"""What events and scenarios name, in words: the offers that a filter picks, limits of shares."""

from collections.abc import Mapping
from typing import Any

from api.reports.words import percent, pick
from optimizer.term_names import TERM_NAMES, value_name
from optimizer.wording import Language


def filter_words(chosen: Mapping[str, Any], lang: Language) -> str:
    """Which offers a filter picks: every key must hold, any value of a key will do."""
    alternatives = pick(lang, "或", " or ")
    parts = []
    for key, values in chosen.items():
        many = values if isinstance(values, list | tuple) else [values]
        label = TERM_NAMES[key].say(lang) if key in TERM_NAMES else key
        parts.append(f"{label} = {alternatives.join(value_name(key, str(v)).say(lang) for v in many)}")
    return "; ".join(parts)


def limit_words(limit: Mapping[str, Any], lang: Language) -> str:
    """A limit as one line."""
    key = limit.get("group")
    if key is not None:
        name = TERM_NAMES[key].say(lang)
        whom = pick(lang, f"每个{name}", f"each {name}")
    else:
        whom = filter_words(limit.get("where") or {}, lang)
    said = []
    if limit.get("max_share") is not None:
        most = percent(limit["max_share"])
        said.append(pick(lang, f"至多 {most}", f"at most {most}"))
    if limit.get("min_share") is not None:
        least = percent(limit["min_share"])
        said.append(pick(lang, f"至少 {least} (尽量)", f"at least {least} (if possible)"))
    return f"{whom}: {', '.join(said)}"
