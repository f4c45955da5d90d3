"""What panel scripts show things with, and ask with: `ui.display(figure)`, `ui.dropdown("Metric:", names)`.

`zenml-comet panel run` collects it into an HTML file. Nobody clicks there: a widget returns its default, or what
`--set "Metric=accuracy"` gave for its label.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from zenml_comet_tracker.comet.panel_page import fragments, widgets
from zenml_comet_tracker.comet.panel_page.blocks import Block
from zenml_comet_tracker.comet.panel_page.page import Page, shown

logger = logging.getLogger(__name__)

_outside: list[Page] = []

Callback = Callable[..., Any]


class UI:
    """Shows what it is given on the page that is being made, or in one column of it.

    Every method that Comet's own `ui` has is here under its name. `key` keeps a widget's value in `session_state`;
    callbacks are called when the widget was set; `classes` become CSS classes nowhere and are taken only so that
    scripts run.
    """

    def __init__(self, block: Block | None = None) -> None:
        self._block = block

    @property
    def session_state(self) -> dict[str, Any]:
        """Values by the keys of widgets, and whatever a script puts there; it begins empty with every run."""
        return _page().state

    def display(self, *args: Any, format: str | None = None, **kwargs: Any) -> None:
        """Shows each value as what it is; texts that follow each other are one.

        Figures of plotly and matplotlib, PIL images, pandas frames, lists and dictionaries, markdown with or without
        HTML, anything with a `_repr_html_`. `format` says how to take them: "html", "markdown", "text", "json", or that
        of an image.
        """
        if args and format is None and all(isinstance(value, str) for value in args):
            args = (" ".join(args),)
        for value in args:
            self._add(fragments.of(value, format, **kwargs))

    def display_figure(self, plt: Any) -> None:
        """Shows a figure of matplotlib (or `pyplot` itself, whose current one it is) or of plotly."""
        self._add(fragments.of(plt))

    def display_plotly_figure(self, figure: Any) -> None:
        """Shows a plotly figure."""
        self._add(fragments.plotly(figure))

    def display_image(self, data: Any, format: str | None = None, width: int | None = None) -> None:
        """Shows a picture: of PIL, an array, bytes or a file; `width` in pixels."""
        self._add(fragments.image(data, format, width))

    def display_markdown(self, *args: Any) -> None:
        """Shows markdown texts below each other."""
        for source in args:
            self._add(fragments.markdown(source))

    def display_text(self, *lines: Any) -> None:
        """Shows lines of text, to the letter."""
        self._add(fragments.text("\n".join(map(str, lines))))

    def display_html(self, html: Any) -> None:
        """Shows HTML, in a frame that reaches neither the page nor the network."""
        self._add(fragments.html(html))

    def display_json(self, data: Any) -> None:
        """Shows JSON, indented."""
        self._add(fragments.as_json(data))

    def display_table(self, data: Any) -> None:
        """Shows a table of a pandas frame, or of rows."""
        self._add(fragments.table(data))

    def dropdown(
        self,
        label: str,
        options: Iterable[Any],
        index: Any = 0,
        format_func: Callable[[Any], Any] = str,
        key: str | None = None,
        on_change: Callback | None = None,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        multiple: bool = False,
        classes: Any = None,
    ) -> Any:
        """The chosen option: by default that at `index`, None where there are no options.

        With `multiple` a list of options; `index` is then the position of the only one, or a list of options.
        """
        offered = list(options)
        if multiple:
            default = _defaults(offered, index)
            value = _page().widgets.choices(label, offered, default, format_func)
            said = ", ".join(str(format_func(each)) for each in value)
        else:
            value = _page().widgets.choice(label, offered, _position(offered, index), format_func)
            said = "" if value is None else str(format_func(value))
        self._add(widgets.drawn(label, said, [str(format_func(option)) for option in offered]))
        return _kept(label, value, key, on_change, args, kwargs)

    def checkbox(
        self,
        label: str,
        value: bool = False,
        key: str | None = None,
        on_click: Callback | None = None,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        classes: Any = None,
    ) -> bool:
        """Whether it is ticked: by default `value`."""
        ticked = _page().widgets.switch(label, value)
        self._add(widgets.drawn(label, "yes" if ticked else "no"))
        kept: bool = _kept(label, ticked, key, on_click, args, kwargs)
        return kept

    def input(
        self,
        label: str,
        value: Any = "",
        key: str | None = None,
        on_click: Callback | None = None,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        classes: Any = None,
    ) -> Any:
        """The text that stands in it: by default `value`."""
        text = _page().widgets.text(label, value)
        self._add(widgets.drawn(label, str(text)))
        return _kept(label, text, key, on_click, args, kwargs)

    def button(
        self,
        label: str,
        key: str | None = None,
        on_click: Callback | None = None,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        classes: Any = None,
    ) -> bool:
        """Whether it was clicked, that is, set to true."""
        clicked = _page().widgets.switch(label, False)
        self._add(widgets.drawn(label, "clicked" if clicked else ""))
        return bool(_kept(label, clicked, key, on_click if clicked else None, args, kwargs))

    def columns(self, items: int | Sequence[Any], classes: Any = None, **styles: Any) -> list[UI]:
        """Columns side by side, each to be filled like the page: as many as a number says, or one for each width."""
        shares = [1] * items if isinstance(items, int) else [w if isinstance(w, (int, float)) else 1 for w in items]
        row = Block("div", {"class": "columns"})
        for share in shares:
            row.add(Block("div", {"class": "block", "style": f"flex:{share} 1 0"}))
        self._add(row)
        return [UI(column) for column in row.parts if isinstance(column, Block)]

    def add_css(self, css: str) -> None:
        """Adds a stylesheet to the page."""
        _page().css.append(css)

    def set_css(self, css: str) -> None:
        """Makes this the only stylesheet of the script."""
        _page().css[:] = [css]

    def progress(
        self,
        label: str,
        percent: Any,
        on_load: Callback | None = None,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        classes: Any = None,
    ) -> Any:
        """Nothing shown, as the page is there when all is done; `get_progress` tells the percentage.

        A sequence in place of a percentage is given back, so that a script can go through it.
        """
        if isinstance(percent, Iterable):
            return percent
        _page().progress = percent
        return None

    def get_progress(self) -> float:
        """The last percentage, -1 before the first."""
        return _page().progress

    def reset_progress(self, value: float = -1) -> None:
        """Begins the progress anew."""
        _page().progress = value

    def _add(self, part: str | Block) -> None:
        (self._block or _page().block).add(part)


def _page() -> Page:
    """The page to fill; outside of a run one that nobody sees."""
    page = shown()
    if page is not None:
        return page
    if not _outside:
        logger.warning("What this script shows goes nowhere: run it with `zenml-comet panel run SCRIPT`.")
        _outside.append(Page())
    # What nobody sees need not be kept.
    _outside[0].body.parts.clear()
    return _outside[0]


def _kept(
    label: str,
    value: Any,
    key: str | None,
    callback: Callback | None,
    args: Sequence[Any] | None,
    kwargs: Mapping[str, Any] | None,
) -> Any:
    """The value, put where its key says; a callback hears of it only when somebody set the widget."""
    page = _page()
    if key is not None:
        page.state[key] = value
    if callback is not None and page.widgets.was_given(label):
        callback(*(args or ()), **(kwargs or {}))
    return value


def _position(options: Sequence[Any], index: Any) -> int | None:
    """The position that is meant by `index`; some scripts give the option itself."""
    if not isinstance(index, int) and index in options:
        return options.index(index)
    return index if isinstance(index, int) and -len(options) <= index < len(options) else None


def _defaults(options: Sequence[Any], index: Any) -> list[Any]:
    if isinstance(index, (list, tuple)):
        return [option for option in index if option in options]
    position = _position(options, index)
    return [] if position is None else [options[position]]


ui = UI()
