"""Work that failed, as data: what a table of many shows in the place of a result. Nothing here raises or retries."""

from dataclasses import dataclass

from optimizer.errors import BadInput
from optimizer.plan import Json
from optimizer.wording import Language, Text

MESSAGE_SHOWN_LENGTH = 500
"""Characters of an error's own words that are kept: some carry whole programs."""


@dataclass(frozen=True)
class Failure:
    """Why one of many has no result."""

    type: str
    """The name of the error's class."""
    message: Text

    def as_dict(self, lang: Language) -> Json:
        """For JSON."""
        return {"type": self.type, "message": self.message.say(lang)}


def failure_of(error: BaseException) -> Failure:
    """The error as data, in both languages where it speaks them."""
    if isinstance(error, BadInput):
        return Failure("BadInput", Text(_short(error.say("zh")), _short(error.say("en"))))
    said = _short(str(error)) or type(error).__name__
    return Failure(type(error).__name__, Text(said, said))


def _short(text: str) -> str:
    return text if len(text) <= MESSAGE_SHOWN_LENGTH else text[: MESSAGE_SHOWN_LENGTH - 1] + "…"
