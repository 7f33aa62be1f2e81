"""What is imported when somebody first asks for it: public names of a package, and modules that are rarely used.

A package that re-exports this way also imports its names under TYPE_CHECKING, where type checkers and the arrows
between packages are read; a test holds the two lists together.
"""

import sys
import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

_LOADING = threading.RLock()


def names_on_demand(package: str, names_of: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package (PEP 562): the public names of each of its files, parted by blanks."""
    file_of = {name: file for file, names in names_of.items() for name in names.split()}

    def get(name: str) -> Any:
        if name not in file_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)
        return getattr(import_module(f"{package}.{file_of[name]}"), name)

    return get


def load_on_demand(module: str) -> None:
    """From now on `import module` costs nothing; it is loaded when somebody first looks into it.

    Where there is no such module nothing happens. `importlib.util.LazyLoader` would not do: its modules are loaded by
    the second `import`.
    """
    try:
        spec = None if module in sys.modules else find_spec(module)
    except ModuleNotFoundError:  # not even its package is there
        return
    if spec is not None and spec.loader is not None:
        found = module_from_spec(spec)
        found.__class__ = _Unloaded
        sys.modules[module] = found


class _Unloaded(ModuleType):
    """A module that was found and not run; it runs when it is asked for what it does not have yet."""

    def __getattr__(self, name: str) -> Any:
        with _LOADING:
            if type(self) is _Unloaded:
                self.__class__ = ModuleType  # type: ignore[assignment]  # from now on a module like any other
                assert self.__spec__ is not None and self.__spec__.loader is not None
                self.__spec__.loader.exec_module(self)
        return getattr(self, name)
