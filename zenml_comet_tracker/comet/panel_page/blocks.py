"""What the page holds: blocks of HTML in the order in which the script showed them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape


@dataclass
class Block:
    """A part of the page that holds others: the whole of it, a column, something that folds."""

    tag: str = "div"
    attributes: dict[str, str] = field(default_factory=dict)
    parts: list[str | Block] = field(default_factory=list)

    def add(self, part: str | Block) -> None:
        """Puts HTML, or a block to be filled, at its end."""
        self.parts.append(part)

    def print(self, text: str) -> None:
        """Adds printed text, to the text before it where nothing was shown in between."""
        last = self.parts[-1] if self.parts else None
        if not (isinstance(last, Block) and last.attributes.get("class") == "printed"):
            last = Block("pre", {"class": "printed"})
            self.add(last)
        last.add(escape(text))

    def html(self) -> str:
        """Its HTML, once the script is through."""
        attributes = "".join(f' {name}="{escape(value)}"' for name, value in self.attributes.items())
        inside = "".join(part if isinstance(part, str) else part.html() for part in self.parts)
        return f"<{self.tag}{attributes}>{inside}</{self.tag}>"
