"""Text of a file as one may show it. Nothing is imported here: whoever speaks to a person needs it."""

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def printable(text: object) -> str:
    """One line; control characters, which could steer a terminal, become a replacement character."""
    return "".join(_shown(c) for c in str(text))


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else _REPLACEMENT
