"""HTML read back: its tables as lists of cells, its links, its visible text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Page:
    """What stands on a page. `rows` are the body rows of all tables, each a list of its cells' texts."""

    rows: list[list[str]] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    scripts: list[dict[str, str | None]] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of this kind, in order."""
        return [given for name, given in self.tags if name == tag]


def read(html: str) -> Page:
    """The page made of `html`."""
    reader = _Reader()
    reader.feed(html)
    reader.page.text = " ".join(" ".join(reader.words).split())
    return reader.page


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self.words: list[str] = []
        self._cell: list[str] | None = None
        self._link: tuple[str, list[str]] | None = None
        self._in_body = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.page.tags.append((tag, given))
        if tag == "script":
            self.page.scripts.append(given)
        elif tag == "a":
            self._link = (given.get("href") or "", [])
        elif tag in ("tbody", "thead"):
            self._in_body = tag == "tbody"
        elif tag == "tr" and self._in_body:
            self.page.rows.append([])
        elif tag in ("td", "th"):
            self._cell = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._cell is not None:
            self._cell.append(data)
        if self._link is not None:
            self._link[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link:
            self.page.links[" ".join("".join(self._link[1]).split())] = self._link[0]
            self._link = None
        elif tag in ("td", "th") and self._cell is not None:
            text = " ".join("".join(self._cell).split())
            target = self.page.rows[-1] if self._in_body else self.page.headings
            target.append(text)
            self._cell = None
