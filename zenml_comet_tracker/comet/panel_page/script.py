"""Runs a panel script as it was written for Comet, and collects what it shows."""

from __future__ import annotations

import contextlib
import importlib
import io
import linecache
import runpy
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, TextIO

from zenml_comet_tracker.comet import panels
from zenml_comet_tracker.comet.errors import ConfigurationError
from zenml_comet_tracker.comet.panel_page.page import Page
from zenml_comet_tracker.comet.panel_page.streamlit import Streamlit
from zenml_comet_tracker.comet.panels import PanelContext
from zenml_comet_tracker.comet.settings import resolve

_OURS = __name__.partition(".")[0]
# What scripts import of the official client, and where it is here.
_ALIASES = {
    "comet_ml": _OURS,
    "comet_ml.api": f"{_OURS}.api",
    "comet_ml.query": f"{_OURS}.query",
}


def run(script: Path, context: PanelContext, page: Page) -> int:
    """Runs a script inside a panel and fills the page; its exit code, 1 when it failed.

    It runs in this process as `__main__`. What it prints goes on the page and to where it went before; when it fails,
    the traceback does. While it runs, `import comet_ml` finds this package.
    """
    with (
        panels.for_process(context),
        page.showing(),
        _aliases(page),
        _place(script),
        contextlib.redirect_stdout(_Shared(page, sys.stdout)),
    ):
        try:
            runpy.run_path(str(script), run_name="__main__")
        except SystemExit as end:
            if end.code is None or isinstance(end.code, int):
                return end.code or 0
            return _fail(page, _without_key(f"{end.code}\n", context))
        except (Exception, KeyboardInterrupt) as error:
            # A script that goes on for ever ends so; what it had shown is worth seeing.
            return _fail(page, _told(error, script, context))
    return 0


def _fail(page: Page, text: str) -> int:
    print(text, file=sys.stderr, end="")  # noqa: T201  # where a script's traceback goes
    page.fail(text)
    return 1


def _told(error: BaseException, script: Path, context: PanelContext) -> str:
    """The traceback from the script's first line on, without the API key."""
    trace: TracebackType | None = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != str(script):
        trace = trace.tb_next
    linecache.checkcache(str(script))
    # A script that does not compile has no line of its own in the trace: its error names the line.
    return _without_key("".join(traceback.format_exception(type(error), error, trace)), context)


def _without_key(text: str, context: PanelContext) -> str:
    with contextlib.suppress(ConfigurationError):
        return text.replace(resolve(api_key=context.api_key).api_key, "***")
    return text


@contextlib.contextmanager
def _aliases(page: Page) -> Iterator[None]:
    """Lets `import comet_ml` and `import streamlit` find ours, whatever is installed; afterwards all is as it was."""
    before = _take_out()
    for name, home in _ALIASES.items():
        sys.modules[name] = _Alias(name, home)
    sys.modules["streamlit"] = Streamlit(page)
    try:
        yield
    finally:
        _take_out()
        sys.modules.update(before)


def _take_out() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] in ("comet_ml", "streamlit")]
    return {name: sys.modules.pop(name) for name in names}


class _Alias(ModuleType):
    """A module of the official client, by whose names one gets ours."""

    def __init__(self, name: str, home: str) -> None:
        super().__init__(name)
        self._home = home
        if name == "comet_ml":
            self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        inside = sys.modules.get(f"{self.__name__}.{name}")
        if inside is not None:
            return inside
        try:
            return getattr(importlib.import_module(self._home), name)
        except (AttributeError, ModuleNotFoundError):
            raise AttributeError(f"{_OURS} has no {self.__name__}.{name}, which this script asks for") from None


@contextlib.contextmanager
def _place(script: Path) -> Iterator[None]:
    """The command line and the search path of a script that was started by itself."""
    argv, path = sys.argv, list(sys.path)
    sys.argv = [str(script)]
    sys.path.insert(0, str(script.parent.resolve()))
    try:
        yield
    finally:
        sys.argv = argv
        sys.path[:] = path


class _Shared(io.TextIOBase):
    """Standard output that the page shows too."""

    def __init__(self, page: Page, stream: TextIO) -> None:
        self._page, self._stream = page, stream

    def write(self, text: str) -> int:
        self._page.block.print(text)
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]  # read-write in the base class
        return self._stream.encoding

    def fileno(self) -> int:
        return self._stream.fileno()
