"""The page of one run of a panel script: what it showed, what it was asked with, how it ended."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from typing import Any

from zenml_comet_tracker.comet.panel_page.blocks import Block
from zenml_comet_tracker.comet.panel_page.widgets import Widgets


@dataclass
class Page:
    """Fills with what a script shows while it is `showing`; `html` is the whole file.

    `chosen` holds what widgets are to return, by their labels; `facts` is what the head of the page says; `width` is in
    pixels, 0 for that of a usual page.
    """

    title: str = "Panel"
    facts: Mapping[str, str] = field(default_factory=dict)
    chosen: Mapping[str, str] = field(default_factory=dict)
    width: int = 0

    def __post_init__(self) -> None:
        self.body = Block("main")
        self.css: list[str] = []
        self.widgets = Widgets(self.chosen)
        self.state: dict[str, Any] = {}
        self.progress = -1.0
        self._open = [self.body]

    @property
    def block(self) -> Block:
        """Where the next thing goes."""
        return self._open[-1]

    @contextmanager
    def within(self, block: Block) -> Iterator[Block]:
        """Puts what is shown meanwhile into a block."""
        self._open.append(block)
        try:
            yield block
        finally:
            self._open.pop()

    @contextmanager
    def showing(self) -> Iterator[Page]:
        """Makes this the page that `ui` fills, for all threads of the process."""
        _pages.append(self)
        try:
            yield self
        finally:
            _pages.remove(self)

    def fail(self, trace: str) -> None:
        """Shows at its end that the script failed, and where."""
        self.body.add(f'<section class="failure"><h2>The panel failed</h2><pre>{escape(trace)}</pre></section>')

    def html(self) -> str:
        """The file: one page with everything in it."""
        template = resources.files(__package__).joinpath("page.html").read_text("utf-8")
        body = self.body.html()
        head, _, rest = template.partition("<!-- facts -->")
        facts = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in self.facts.items())
        middle, _, end = rest.partition("<!-- body -->")
        before, _, after = head.partition("<!-- head -->")
        made = time.strftime("%Y-%m-%d %H:%M")
        return "".join(
            (
                before.replace("PANEL_WIDTH", f"{self.width or 1120}px").replace("PANEL_TITLE", escape(self.title)),
                _plotly() if 'class="plotly"' in body else "",
                self._styles(),
                after.replace("PANEL_TITLE", escape(self.title)),
                facts,
                middle,
                body,
                end.replace("PANEL_MADE", escape(made)),
            )
        )

    def _styles(self) -> str:
        # A stylesheet ends where its tag does, and a text of the script's must not end it.
        return "".join("<style>" + css.replace("</", r"<\/") + "</style>" for css in self.css)


_pages: list[Page] = []


def shown() -> Page | None:
    """The page that is being filled, if one is."""
    return _pages[-1] if _pages else None


def _plotly() -> str:
    """plotly.js from the plotly package."""
    from plotly.offline import get_plotlyjs

    return f"<script>{get_plotlyjs()}</script>"
