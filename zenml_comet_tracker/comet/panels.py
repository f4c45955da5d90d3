"""What a Python panel is shown for: its options, project, experiments, colours and size.

First wins: a `PanelContext` that was entered, then the keys that Comet's panel runtime puts into Streamlit's session
state for the page that asks, then the environment.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from types import FrameType, TracebackType
from typing import Any

from zenml_comet_tracker.comet import connection
from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.errors import ConfigurationError

# Our field names and the names that Comet's panel runtime and the environment use for them.
VARIABLES = {
    "options": "COMET_PANEL_OPTIONS",
    "experiment_keys": "COMET_EXPERIMENT_KEYS",
    "experiment_colors": "COMET_PANEL_EXPERIMENT_COLORS",
    "metric_colors": "COMET_PANEL_METRIC_COLORS",
    "width": "COMET_PANEL_WIDTH",
    "height": "COMET_PANEL_HEIGHT",
}
# The ordinary settings as the panel runtime writes them.
_SETTINGS = {
    "api_key": "comet.api_key",
    "workspace": "comet.workspace",
    "project_name": "comet.project_name",
    "url": "comet.url_override",
}


@dataclass(frozen=True)
class PanelContext:
    """What a panel is shown for. Entered with `with`, it holds for everything that the block calls.

    >>> with PanelContext(options={"metric": "loss"}, width=800):
    ...     current().options["metric"]
    'loss'

    `experiment_keys` None means all experiments of the project; colours map an experiment key or a metric's name to
    what Comet gives for it, `{"primary": "#rrggbb", ...}`; width and height are pixels, 0 where unknown. Workspace and
    project, and how to reach Comet, are the settings' own where they are None.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    workspace: str | None = None
    project_name: str | None = None
    experiment_keys: Sequence[str] | None = None
    experiment_colors: Mapping[str, Any] = field(default_factory=dict)
    metric_colors: Mapping[str, Any] = field(default_factory=dict)
    width: int = 0
    height: int = 0
    api_key: str | None = field(default=None, repr=False)
    url: str | None = None

    def __enter__(self) -> PanelContext:
        _entered.set((*_entered.get(), self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _entered.set(_entered.get()[:-1])


@contextmanager
def for_process(panel: PanelContext) -> Iterator[PanelContext]:
    """Makes a panel that of all threads, also of those that begin later; an entered one comes before it."""
    _of_process.append(panel)
    try:
        yield panel
    finally:
        _of_process.remove(panel)


_of_process: list[PanelContext] = []
_entered: ContextVar[tuple[PanelContext, ...]] = ContextVar("zenml_comet_panel", default=())


def current() -> PanelContext | None:
    """The panel that the calling code runs in; None outside of one.

    Raises `ConfigurationError` when a variable of the environment, or a key of the panel runtime, cannot be used.
    """
    if _entered.get():
        return _entered.get()[-1]
    if _of_process:
        return _of_process[-1]
    given = {**_environment(), **_override()}
    return _parsed(given) if given else None


def connect(
    api_key: str | None = None, workspace: str | None = None, project_name: str | None = None, url: str | None = None
) -> Connection:
    """A connection as arguments, then the panel, then the settings say; one that only reads inside a panel."""
    panel = current()
    if panel is None:
        return connection.connect(api_key, workspace, project_name, url)
    return connection.connect(
        api_key or panel.api_key,
        workspace or panel.workspace,
        project_name or panel.project_name,
        url or panel.url,
        read_only=True,
    )


def _environment() -> dict[str, Any]:
    return {name: os.environ[name] for name in VARIABLES.values() if os.environ.get(name)}


def _override() -> Mapping[str, Any]:
    """What Comet's panel runtime set for the page that asks.

    Streamlit is looked up, never imported: who runs in it has imported it, and for others it would take a second.
    """
    streamlit = sys.modules.get("streamlit")
    state = getattr(streamlit, "session_state", None)
    page = _page() if state is not None else None
    if state is None or page is None:
        return {}
    pages = state.get("comet_config_override", {})
    found: Mapping[str, Any] = pages.get(page, {})
    return found


def _page() -> str | None:
    """The file of the page that asks: the runtime names them `page_...`."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = os.path.basename(frame.f_code.co_filename)
        if name.startswith("page_"):
            return name
        frame = frame.f_back
    return None


def _parsed(given: Mapping[str, Any]) -> PanelContext:
    found = {
        name: _READERS[name](variable, given[variable])
        for name, variable in VARIABLES.items()
        if given.get(variable) not in (None, "")
    }
    settings = {name: given[key] for name, key in _SETTINGS.items() if given.get(key)}
    return replace(PanelContext(), **found, **settings)


def _mapping(variable: str, value: Any) -> Mapping[str, Any]:
    read = _json(variable, value, "a JSON object") if isinstance(value, str) else value
    if not isinstance(read, Mapping):
        raise _unusable(variable, value, "a JSON object")
    return read


def _keys(variable: str, value: Any) -> list[str]:
    """Experiment keys as a list, as JSON, or as people write them: with commas."""
    if isinstance(value, str):
        value = _json(variable, value, "a JSON list") if value.lstrip().startswith("[") else value.split(",")
    if not isinstance(value, (list, tuple)) or not all(isinstance(key, str) for key in value):
        raise _unusable(variable, value, "experiment keys, as a JSON list or with commas between them")
    return [key.strip() for key in value if key.strip()]


def _pixels(variable: str, value: Any) -> int:
    try:
        return max(0, round(float(value)))
    except (TypeError, ValueError, OverflowError):
        raise _unusable(variable, value, "a number of pixels") from None


def _json(variable: str, value: str, expected: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        raise _unusable(variable, value, expected) from None


def _unusable(variable: str, value: Any, expected: str) -> ConfigurationError:
    return ConfigurationError(f"{variable} is {value!r}; expected {expected}.")


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "options": _mapping,
    "experiment_keys": _keys,
    "experiment_colors": _mapping,
    "metric_colors": _mapping,
    "width": _pixels,
    "height": _pixels,
}
