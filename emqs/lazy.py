"""Names that are imported when they are first used, so that ``import emqs`` takes no time.

A package lists its public names and where each is defined. Python asks a module for a name that it
does not have yet through its ``__getattr__`` (PEP 562).
"""

import importlib
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any


def exports(package: str, places: Mapping[str, str]) -> Callable[[str], object]:
    """Return what a package takes as its ``__getattr__``.

    Args:
        package: Its ``__name__``.
        places: Public name to the module that defines it, or to ``module:attribute`` where the
            name differs there; a name that is itself a module of the package is a command, which
            can be called (``callable_as``).

    Returns:
        A function that imports a name's module, keeps the name in the package and returns it.
    """

    def __getattr__(name: str) -> object:  # noqa: N807 - it becomes one
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _, attribute = places[name].partition(":")
        value = importlib.import_module(module)
        if module != f"{package}.{name}":  # Python keeps a module of the package itself
            value = getattr(value, attribute or name)
            setattr(sys.modules[package], name, value)
        return value

    return __getattr__


class _Command(ModuleType):
    """A command's module that is also the function a notebook calls: ``emqs.search(...)``.

    ``emqs.search`` is the command ``emqs/search.py`` for ``python -m`` and for ``import``; Python
    sets it as an attribute of ``emqs`` as soon as anybody imports it, whatever stood there before.
    So the module itself can be called, and there is nothing to be in the way of.
    """

    def __call__(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - those of the function
        """Call the function."""
        return self._function(*args, **options)

    @property
    def _function(self) -> Callable[..., Any]:
        module, _, attribute = str(self.__dict__["_called_as"]).partition(":")
        function: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
        return function

    @property
    def __signature__(self) -> object:
        import inspect

        return inspect.signature(self._function)

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        return self._function


def _doc(command: _Command) -> str | None:
    return command._function.__doc__


setattr(_Command, "__doc__", property(_doc))  # noqa: B010 - what a notebook shows


def callable_as(name: str, place: str) -> None:
    """Let a command's module be called as a function.

    Args:
        name: The command's ``__name__``; with ``python -m`` it is ``"__main__"``, where nobody
            calls it.
        place: Where the function is, as ``module:attribute``; imported when it is called, or when
            its signature is asked for.
    """
    module = sys.modules[name]
    module.__dict__["_called_as"] = place
    module.__class__ = _Command
