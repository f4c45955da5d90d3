"""A stand-in for Streamlit while a panel script runs: its usual calls, on the page that is being made.

Comet runs today's Python panels in Streamlit. Widgets return what they would before anybody touches them, or what was
set by their labels. A call that is not here raises an error that names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from types import ModuleType, TracebackType
from typing import Any, TypeVar

from zenml_comet_tracker.comet.panel_page import fragments, widgets
from zenml_comet_tracker.comet.panel_page.blocks import Block
from zenml_comet_tracker.comet.panel_page.page import Page

Function = TypeVar("Function", bound=Callable[..., Any])


class Place:
    """A place on the page with Streamlit's calls: the page itself, a column, what folds; `with` it, or call on it."""

    def __init__(self, page: Page, block: Block | None = None) -> None:
        self._page = page
        self._block = block
        self._entered: list[Any] = []

    def __enter__(self) -> Place:
        within = self._page.within(self._block or self._page.body)
        within.__enter__()
        self._entered.append(within)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered.pop().__exit__(kind, error, trace)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"streamlit.{name} is not among the calls that `zenml-comet panel run` knows; docs/panels.md lists them"
        )

    def _add(self, part: str | Block) -> None:
        (self._block or self._page.block).add(part)

    def _inner(self, block: Block) -> Place:
        self._add(block)
        return Place(self._page, block)

    # Texts

    def write(self, *args: Any, unsafe_allow_html: bool = False, **_: Any) -> None:
        for value in args:
            self._add(self._text(value, unsafe_allow_html) if isinstance(value, str) else fragments.of(value))

    def markdown(self, body: Any, unsafe_allow_html: bool = False, **_: Any) -> None:
        self._add(self._text(str(body), unsafe_allow_html))

    def _text(self, source: str, with_html: bool) -> str:
        if with_html and source.lstrip().startswith("<style"):
            # The way in which scripts style the page itself.
            self._page.css.append(source.partition(">")[2].partition("</style")[0])
            return ""
        return fragments.markdown(source, with_html=with_html)

    def title(self, body: Any, **_: Any) -> None:
        self._add(f"<h1>{escape(str(body))}</h1>")

    def header(self, body: Any, **_: Any) -> None:
        self._add(f"<h2>{escape(str(body))}</h2>")

    def subheader(self, body: Any, **_: Any) -> None:
        self._add(f"<h3>{escape(str(body))}</h3>")

    def text(self, body: Any, **_: Any) -> None:
        self._add(fragments.text(body))

    def code(self, body: Any, language: str | None = "python", **_: Any) -> None:
        self._add(fragments.code(body))

    def caption(self, body: Any, **_: Any) -> None:
        self._add(f'<p class="note">{escape(str(body))}</p>')

    def json(self, body: Any, **_: Any) -> None:
        self._add(fragments.as_json(body))

    def html(self, body: Any, **_: Any) -> None:
        self._add(fragments.html(body))

    def divider(self, **_: Any) -> None:
        self._add("<hr>")

    def info(self, body: Any, **_: Any) -> None:
        self._add(f'<div class="call">{fragments.markdown(body, with_html=False)}</div>')

    success = info
    warning = info

    def error(self, body: Any, **_: Any) -> None:
        self._add(f'<div class="call error">{fragments.markdown(body, with_html=False)}</div>')

    def metric(self, label: str, value: Any, delta: Any = None, **_: Any) -> None:
        change = f" <small>{escape(str(delta))}</small>" if delta is not None else ""
        self._add(f'<div class="metric"><span>{escape(label)}</span><b>{escape(str(value))}</b>{change}</div>')

    # Data

    def dataframe(self, data: Any = None, **_: Any) -> None:
        self._add(fragments.table(data))

    def table(self, data: Any = None, **_: Any) -> None:
        self._add(fragments.table(data))

    def plotly_chart(self, figure_or_data: Any, **_: Any) -> None:
        self._add(fragments.plotly(figure_or_data))

    def pyplot(self, fig: Any = None, **_: Any) -> None:
        if fig is None:
            from matplotlib import pyplot

            fig = pyplot.gcf()
        self._add(fragments.matplotlib(fig))

    def image(self, image: Any, caption: str | None = None, width: Any = None, **_: Any) -> None:
        self._add(fragments.image(image, None, width if isinstance(width, int) else None))
        if caption:
            self.caption(caption)

    # Widgets

    def selectbox(
        self, label: str, options: Iterable[Any], index: int | None = 0, format_func: Any = str, **more: Any
    ) -> Any:
        offered = list(options)
        value = self._page.widgets.choice(label, offered, index, format_func)
        self._widget(label, "" if value is None else format_func(value), map(format_func, offered))
        return self._kept(more, value)

    radio = selectbox

    def select_slider(
        self, label: str, options: Iterable[Any], value: Any = None, format_func: Any = str, **more: Any
    ) -> Any:
        offered = list(options)
        index = offered.index(value) if value in offered else 0
        return self.selectbox(label, offered, index, format_func, **more)

    def multiselect(
        self, label: str, options: Iterable[Any], default: Any = None, format_func: Any = str, **more: Any
    ) -> list[Any]:
        offered = list(options)
        begin = [] if default is None else list(default) if isinstance(default, (list, tuple, set)) else [default]
        value = self._page.widgets.choices(label, offered, begin, format_func)
        self._widget(label, ", ".join(str(format_func(each)) for each in value), map(format_func, offered))
        return list(self._kept(more, value))

    def checkbox(self, label: str, value: bool = False, **more: Any) -> bool:
        ticked = self._page.widgets.switch(label, value)
        self._widget(label, "yes" if ticked else "no")
        return bool(self._kept(more, ticked))

    toggle = checkbox

    def button(self, label: str, **more: Any) -> bool:
        clicked = self._page.widgets.switch(label, False)
        self._widget(label, "clicked" if clicked else "")
        return bool(self._kept(more, clicked))

    def text_input(self, label: str, value: Any = "", **more: Any) -> Any:
        text = self._page.widgets.text(label, value)
        self._widget(label, text)
        return self._kept(more, text)

    text_area = text_input

    def number_input(
        self, label: str, min_value: Any = None, max_value: Any = None, value: Any = None, **more: Any
    ) -> Any:
        number = self._page.widgets.number(label, value if value is not None else min_value or 0)
        self._widget(label, number)
        return self._kept(more, number)

    def slider(self, label: str, min_value: Any = None, max_value: Any = None, value: Any = None, **more: Any) -> Any:
        return self.number_input(label, min_value, max_value, value, **more)

    def _widget(self, label: str, value: Any, options: Iterable[Any] = ()) -> None:
        self._add(widgets.drawn(label, str(value), [str(option) for option in options]))

    def _kept(self, more: dict[str, Any], value: Any) -> Any:
        if more.get("key") is not None:
            self._page.state[more["key"]] = value
        return value

    # Places

    def columns(self, spec: int | Sequence[float], **_: Any) -> list[Place]:
        shares = [1.0] * spec if isinstance(spec, int) else list(spec)
        row = Block("div", {"class": "columns"})
        self._add(row)
        blocks = [Block("div", {"class": "block", "style": f"flex:{share} 1 0"}) for share in shares]
        row.parts.extend(blocks)
        return [Place(self._page, block) for block in blocks]

    def container(self, **_: Any) -> Place:
        return self._inner(Block("div", {"class": "block"}))

    empty = container

    def expander(self, label: str, expanded: bool = False, **_: Any) -> Place:
        fold = Block("details", {"class": "fold", **({"open": ""} if expanded else {})})
        fold.add(f"<summary>{escape(label)}</summary>")
        self._add(fold)
        inside = Block("div", {"class": "block"})
        fold.add(inside)
        return Place(self._page, inside)

    def tabs(self, tabs: Sequence[str], **_: Any) -> list[Place]:
        return [self.expander(label, expanded=True) for label in tabs]

    @contextmanager
    def spinner(self, text: str = "", **_: Any) -> Iterator[None]:
        yield

    def progress(self, value: Any, text: str | None = None, **_: Any) -> Place:
        # A page that is finished shows no progress.
        return Place(self._page, Block())


class Stopped(SystemExit):
    """The script said that it is through."""


class Streamlit(ModuleType):
    """The module that `import streamlit` finds."""

    def __init__(self, page: Page) -> None:
        super().__init__("streamlit")
        self._place = Place(page)
        self.session_state = _State(page.state)
        self.sidebar = Place(page)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._place, name)

    @staticmethod
    def stop() -> None:
        """Ends the script; what it showed is the page."""
        raise Stopped(0)

    @staticmethod
    def set_page_config(**_: Any) -> None:
        """Nothing: the page is as it is."""

    @staticmethod
    def cache_data(function: Function | None = None, **_: Any) -> Any:
        """The function itself: a script that runs once needs no cache."""
        return function if function is not None else lambda decorated: decorated

    cache_resource = cache_data
    fragment = cache_data


class _State:
    """Session state: a mapping whose keys are attributes too, shared with the keys of widgets."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__["_values"] = values

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._values[key] = value

    def __delitem__(self, key: str) -> None:
        del self._values[key]

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key."""
        return self._values.get(key, default)

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f"streamlit.session_state has no {name!r} yet") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self._values[name] = value
