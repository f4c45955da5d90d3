"""docs/coverage.md, written from the table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from tests.coverage.table import PACKAGE, ROOT, Call

PAGE = ROOT / "docs" / "coverage.md"

_HEAD = """\
# What is here of five documents

Every function and method of the documents that this package was made to, its Python home, the endpoints that it asks
and the test that reads its effect back. `make coverage` writes this page, from `tests/coverage/documents.yaml`; a test
fails when it is not up to date, when a name is missing, or when one has other arguments or defaults than its document.
`make coverage` also runs each of these tests once more with the call taken out, and fails when one does not notice.

Homes are in `zenml_comet_tracker`; where no endpoint is named, none is asked.
"""


def written(calls: Sequence[Call]) -> str:
    """The text of the page."""
    return "\n".join([_HEAD, *_sections(calls)])


def _sections(calls: Sequence[Call]) -> Iterator[str]:
    for title, group in groupby(calls, lambda call: call.document):
        rows = list(group)
        yield f"## {title}\n"
        yield "| Call | Home | Endpoint | Test |\n|---|---|---|---|"
        yield from map(_row, rows)
        notes = [f"`{call.written.partition('(')[0]}`: {call.note}" for call in rows if call.note]
        yield "\n" + "\n\n".join(notes) + "\n" if notes else ""


def _row(call: Call) -> str:
    home = call.home.removeprefix(f"{PACKAGE}.")
    endpoints = ", ".join(f"`{endpoint}`" for endpoint in call.endpoints)
    path, _, name = (call.test or "").partition("::")
    test = f"[{name.replace('::', '.')}](../{path})" if name else ""
    return f"| `{call.written.replace('|', chr(92) + '|')}` | `{home}` | {endpoints} | {test} |"
