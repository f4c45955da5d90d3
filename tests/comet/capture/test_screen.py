"""Lines as a terminal would show them, however a program cuts them to pieces."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenml_comet_tracker.comet.capture.screen import MAX_LINE, Screen


def _shown(*pieces: str) -> str:
    screen = Screen()
    shown = ""
    for piece in pieces:
        screen.write(piece)
        shown += screen.settled()
    return shown + screen.rest()


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        (["hello", "\n"], ["hello"]),
        (["a\n\nb\n"], ["a", "", "b"]),
        (["windows\r\n", "two\r", "\n"], ["windows", "two"]),
        (["\r 10%", "\r 50%", "\r100%\n"], ["100%"]),
        (["10%\r", "20%\r", "\n"], ["20%"]),
        (["\rlong bar ####", "\rshort      \n"], ["short"]),
        (["\rgone", "\r    \r", "done\n"], ["done"]),
        (["\rgone", "\r\x1b[K", "done\n"], ["done"]),
        (["gone\x1b[2K\rdone\n"], ["done"]),
        (["gone\x1b", "[2", "K\rdone\n"], ["done"]),
        (["wait |", "\b/", "\b-", "\b\\", "\n"], ["wait \\"]),
        (["1/3", "\b\b\b\r2/3", "\b\b\b\r3/3\n"], ["3/3"]),
        (["\x1b[31mred\x1b[0m\n"], ["\x1b[31mred\x1b[0m"]),
        (["\x1b[?25lhidden cursor\x1b[?25h\n"], ["hidden cursor"]),
        (["no end"], ["no end"]),
        (["old page\n\x1b[2Jnew page\n"], ["old page", "new page"]),
        ([], []),
    ],
)
def test_lines(pieces: list[str], lines: list[str]) -> None:
    assert _shown(*pieces) == "".join(f"{line}\n" for line in lines)


def test_nested_bars_become_a_line_each() -> None:
    # As tqdm draws the second of two bars: down a line, and up again.
    pieces = ["\router 0/2"]
    for outer in (1, 2):
        pieces += [f"\n\rinner {step}/9\x1b[A" for step in range(10)] + [f"\router {outer}/2"]
    assert _shown(*pieces, "\n\n") == "outer 2/2\ninner 9/9\n"


def test_a_live_table_becomes_one_table() -> None:
    # As rich redraws: to the beginning, each line cleared on the way up, then all lines anew.
    def frame(number: int) -> str:
        return f"first {number}\nsecond {number}\nthird {number}"

    pieces = [frame(0)] + ["\r\x1b[2K" + "\x1b[1A\x1b[2K" * 2 + frame(number) for number in range(1, 5)]
    assert _shown("before\n", *pieces, "\n", "after\n").splitlines()[-4:] == ["first 4", "second 4", "third 4", "after"]


@pytest.mark.parametrize("bars", [1, 2])
def test_rich_itself_ends_as_its_last_frame(bars: int) -> None:
    from rich.console import Console
    from rich.progress import Progress

    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=60, color_system=None)
    with Progress(console=console, auto_refresh=False) as progress:
        tasks = [progress.add_task(f"bar{bar}", total=20) for bar in range(bars)]
        for step in range(20):
            for task in tasks:
                progress.advance(task)
            progress.refresh()
            if step == 10:
                console.print("half way")
    lines = _shown(file.getvalue()).splitlines()
    assert [line.split()[0] for line in lines if line.strip()] == ["half", *(f"bar{bar}" for bar in range(bars))]
    assert sum("100%" in line for line in lines) == bars


def test_a_bar_is_shown_as_it_stands_and_not_twice() -> None:
    screen = Screen()
    screen.write("\r10%")
    assert screen.settled() == ""
    assert screen.standing() == "10%\n"
    assert screen.standing() == ""
    screen.write("\r90%")
    assert screen.standing() == "90%\n"
    screen.write("\n")
    assert screen.settled() + screen.rest() == ""


def test_behind_bars_lines_settle_again() -> None:
    screen = Screen()
    screen.write("outer\n\rinner\x1b[A\n\nafter\n")
    assert screen.settled() == "outer\ninner\n"
    assert screen.standing() == "after\n"
    screen.write("more\n")
    assert screen.settled() == ""
    assert screen.standing() == "more\n"
    screen.write("and more\n")
    assert screen.settled() == "and more\n"


def test_an_endless_line_is_divided_and_whole() -> None:
    screen = Screen()
    for _ in range(5):
        screen.write("x" * (MAX_LINE // 2))
    shown = screen.settled()
    assert len(shown) > MAX_LINE
    assert (shown + screen.rest()).replace("\n", "") == "x" * (5 * (MAX_LINE // 2))


@given(st.lists(st.text(alphabet="ab\n\r\b \x1b[2KAJ;m0", max_size=12), max_size=12))
def test_how_a_text_is_cut_to_pieces_changes_nothing(pieces: list[str]) -> None:
    together, apart = Screen(), Screen()
    together.write("".join(pieces))
    for character in "".join(pieces):
        apart.write(character)
    assert together.settled() + together.rest() == apart.settled() + apart.rest()


@given(st.text(alphabet="ab \n", max_size=60))
def test_plain_text_stays_as_it_is(text: str) -> None:
    lines = text if text.endswith("\n") or not text else f"{text}\n"
    assert _shown(*text) == (lines if text.rpartition("\n")[2] or not text.endswith("\n") else text)
