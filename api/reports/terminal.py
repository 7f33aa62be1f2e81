"""Stub."""

from typing import TextIO


def show_plan(made, lang, stream: TextIO) -> None:  # type: ignore
    print(made.totals, file=stream)
