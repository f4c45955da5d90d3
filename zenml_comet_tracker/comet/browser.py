"""Pages shown to whoever runs the program: in a notebook as a frame, else in a browser."""

from __future__ import annotations

import sys

HEIGHT = 800


def show(url: str, *, clear: bool = False, wait: bool = True, new: int = 0, autoraise: bool = True) -> None:
    """Shows a page: in a Jupyter notebook below the cell, which `clear` empties before; else in a browser.

    `wait` empties the cell only when the page is there. `new=1` asks for a new window, 2 for a new tab; `autoraise` for
    the window to come to the front.
    """
    if not in_notebook():
        # Few programs show anything, and it loads a good deal.
        import webbrowser

        webbrowser.open(url, new=new, autoraise=autoraise)
        return
    from IPython.display import IFrame, clear_output, display

    if clear:
        clear_output(wait=wait)
    display(IFrame(src=url, width="100%", height=HEIGHT))


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this, which shows more than text; IPython in a terminal does not."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ not in ("NoneType", "TerminalInteractiveShell")
