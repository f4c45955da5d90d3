"""What a terminal would show of a stream: progress bars become the line they end as, not one line a redraw."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# What moves the cursor or clears, in the forms that progress bars use; colors are text, and stay.
_MOVES = re.compile(r"[\n\r\b]|\x1b\[(\??[0-9;]*)([ABCDEFGHJKhlsu])")
_UNFINISHED = re.compile(r"\x1b(\[\??[0-9;]*)?$")
# How far up anybody goes back to; nested bars and live tables are smaller.
MAX_KEPT = 50
# A line that goes on and on is divided: nobody reads it, and it is not to fill the memory.
MAX_LINE = 1 << 20


@dataclass
class _Row:
    text: str = ""
    # As it was when it was last shown.
    said: str | None = None
    overwritten: bool = False

    def shown(self) -> str:
        # A bar that got shorter is padded with blanks over its former end.
        return self.text.rstrip(" ") if self.overwritten else self.text


class Screen:
    """Takes one stream's pieces of text in order, and gives its lines once nothing goes back to them.

    >>> screen = Screen()
    >>> screen.write("\\r 10%\\r100%\\ndone\\n")
    >>> screen.settled()
    '100%\\ndone\\n'
    """

    def __init__(self) -> None:
        self._rows = [_Row()]
        self._at = 0
        # Whether the next text overwrites the line, as behind a carriage return.
        self._home = False
        # How many lines the program goes back up, those are not settled yet; and whether it did so lately.
        self._kept = 0
        self._went_up = False
        self._tail = ""
        # Settled, and not given yet.
        self._done: list[str] = []

    def write(self, text: str) -> None:
        """Takes the next piece."""
        if not self._write_plain(text):
            self._write_moves(self._tail + text)

    def _write_plain(self, text: str) -> bool:
        """Takes what only goes on and down, as most programs print; whether it was that."""
        if "\r" in text or "\x1b" in text or "\b" in text or self._tail or self._home or self._kept:
            return False
        (row, *more) = self._rows
        if more or row.overwritten or row.said is not None:
            return False
        lines, newline, row.text = (row.text + text).rpartition("\n")
        if newline:
            self._done.append(lines + newline)
        self._divide(row)
        return True

    def _write_moves(self, text: str) -> None:
        self._take_back()
        unfinished = _UNFINISHED.search(text)
        self._tail = text[unfinished.start() :] if unfinished else ""
        text = text[: len(text) - len(self._tail)]
        start = 0
        for move in _MOVES.finditer(text):
            self._put(text[start : move.start()])
            self._move(move)
            start = move.end()
        self._put(text[start:])

    def settled(self) -> str:
        """The lines that are settled since the last call, each with its newline."""
        count = max(0, self._at - self._kept)
        gone, self._rows = self._rows[:count], self._rows[count:]
        self._at -= count
        done, self._done = self._done, []
        return "".join((*done, *_news(gone)))

    def standing(self) -> str:
        """The lines that are not settled, as they stand; each only when it is another than when it was last given.

        When nothing went up since the last call, nothing is expected to go up any more.
        """
        if not self._went_up:
            self._kept = 0
        self._went_up = False
        return "".join(_news(row for row in self._rows if row.text))

    def rest(self) -> str:
        """All that is left, at the end."""
        self._put(self._tail)
        while len(self._rows) > 1 and not self._rows[-1].shown():
            self._rows.pop()
        if len(self._rows) == 1 and not self._rows[0].shown():
            self._rows.clear()
        left, self._rows, self._at = self._rows, [_Row()], 0
        self._tail, self._home = "", False
        done, self._done = self._done, []
        return "".join((*done, *_news(left)))

    def _take_back(self) -> None:
        """Opens the last lines again that were settled too soon: now something moves."""
        if not self._done:
            return
        *lines, _ = "".join(self._done).split("\n")
        rows = [_Row(line) for line in lines[-MAX_KEPT:]]
        self._done = [f"{line}\n" for line in lines[:-MAX_KEPT]]
        self._rows, self._at = [*rows, *self._rows], self._at + len(rows)

    def _put(self, text: str) -> None:
        if not text:
            return
        row = self._rows[self._at]
        if self._home:
            row.text, row.overwritten, self._home = text, True, False
        else:
            row.text += text
        self._divide(row)

    def _divide(self, row: _Row) -> None:
        while len(row.text) > MAX_LINE:
            rest, row.text = row.text[MAX_LINE:], row.text[:MAX_LINE]
            row = _Row(rest)
            self._at += 1
            self._rows.insert(self._at, row)

    def _move(self, move: re.Match[str]) -> None:
        match move.group(2) or move.group():
            case "\n" | "E":
                self._down()
            case "\r" | "G":
                self._home = True
            case "\b" | "D":
                self._back(_number(move.group(1)))
            case "A" | "F" as up:
                self._up(_number(move.group(1)))
                self._home = self._home or up == "F"
            case "B":
                for _ in range(min(_number(move.group(1)), MAX_KEPT)):
                    self._down(home=self._home)
            case "K":
                if self._home or move.group(1) == "2":
                    self._rows[self._at].text = ""
            case "J":
                self._clear(whole=move.group(1) == "2")
            case _:
                # The cursor hidden and shown again, remembered places: nothing that a line shows.
                pass

    def _down(self, *, home: bool = False) -> None:
        self._home = home
        self._at += 1
        if self._at == len(self._rows):
            self._rows.append(_Row())

    def _back(self, columns: int) -> None:
        row = self._rows[self._at]
        self._home = self._home or columns >= len(row.text)
        if not self._home:
            row.text = row.text[:-columns]

    def _up(self, lines: int) -> None:
        self._kept, self._went_up = max(self._kept, min(lines, MAX_KEPT)), True
        self._at = max(0, self._at - lines)

    def _clear(self, *, whole: bool) -> None:
        if whole:
            # A new page: what stood on the old one was shown.
            if self._rows[-1].text:
                self._rows.append(_Row())
            self._at, self._home = len(self._rows) - 1, False
            return
        del self._rows[self._at + 1 :]
        if self._home:
            self._rows[self._at].text = ""


def _news(rows: Iterator[_Row] | list[_Row]) -> Iterator[str]:
    for row in rows:
        text = row.shown()
        if row.said != text:
            row.said = text
            yield f"{text}\n"


def _number(parameter: str | None) -> int:
    return int(parameter) if parameter and parameter.isdigit() else 1
