"""Text as one may show it, and the one way in which it is written to a stream. Nothing of ours is imported here."""

import os
from typing import TextIO

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def printable(text: object) -> str:
    """One line; control characters, which could steer a terminal, become a replacement character."""
    return "".join(_shown(c) for c in str(text))


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else _REPLACEMENT


def say(text: str, where: TextIO) -> None:
    """A text and a line's end, whatever the stream can encode; quiet when its reader has left (`| head`)."""
    encoding = getattr(where, "encoding", None) or "utf-8"
    try:
        where.write((text + "\n").encode(encoding, "replace").decode(encoding))
        where.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, where.fileno())
        os.close(nowhere)
