"""The doors. The Python door is `read_problem`; the command line is `api.cli`."""

from api.documents import read_problem

__all__ = ["read_problem"]
