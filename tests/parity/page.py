"""docs/parity.md, written from the tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.parity.table import TRACKERS, Cell, Feature, features, points

PAGE = Path(__file__).parents[2] / "docs" / "parity.md"
OWN_TEST = "tests/parity/test_points.py::test_the_point"
OBSERVATIONS = "tests/parity/peers/observations.py"

_HEAD = """\
# Beside ZenML's own trackers

What this tracker does, beside each of the six experiment trackers that come with ZenML 0.98. Every cell of ours leads
to the tests that show it. A cell of another with ▸ was seen: ▸ leads to what was played to see it, with the tracker's
own SDK, and `make parity` plays it again and says so when it comes out otherwise. A cell without ▸ was read in the
tracker's source. `make parity` writes this page from `tests/parity/features.yaml` and `tests/parity/table.yaml`; a test
fails when it is not up to date, or names a test or an observation that is not there.

How the others are played: comet on a local Comet, mlflow and trackio with their stores on this machine, wandb in its
SDK's mode `offline`, neptune in its mode `debug`, as its service has ended, vertex with a recorder in the place of its
SDK, as nothing answers without an account. Each has a process and an environment of its own, which reaches no other
machine, with the newest SDK that ZenML takes.
"""

_POINTS = """\
## Beside ZenML's own Comet tracker, point by point

Each point is one check, which `make parity` puts to both trackers: to this one, which passes, and to ZenML's `comet`
with the official SDK, on the same pipelines and the same local Comet, which fails it for the reason that is written
here. When it passes one day, or fails for another reason, `make parity` says so.
"""


def written() -> str:
    """The text of the page."""
    return "\n".join([_HEAD, *_features(), "", _POINTS, *_points(), ""])


def _features() -> Iterator[str]:
    yield f"| | this tracker | {' | '.join(TRACKERS)} |"
    yield f"|{'---|' * (len(TRACKERS) + 2)}"
    for row in features():
        cells = [row.feature, _with_tests(row.ours, row), *(_seen(row.theirs[name]) for name in TRACKERS)]
        yield f"| {' | '.join(cells)} |"


def _points() -> Iterator[str]:
    yield "| Expected | ZenML's own fails, because | Shown by |\n|---|---|---|"
    for row in points():
        tests = [*row.shown_by, f"{OWN_TEST}[{row.check}]"]
        yield f"| {row.point} | {row.because} | {', '.join(map(_link, tests))} |"


def _seen(cell: Cell) -> str:
    played = [(OBSERVATIONS, name) for name in cell.shows] + [
        (OWN_TEST.partition("::")[0], name) for name in cell.points
    ]
    return " ".join([cell.says, *(f'[▸](../{path} "{name.replace("_", " ")}")' for path, name in played)])


def _with_tests(text: str, row: Feature) -> str:
    links = " ".join(
        f'[{number}](../{test.partition("::")[0]} "{_name(test)}")' for number, test in enumerate(row.shown_by, 1)
    )
    return f"{text} {links}".strip()


def _link(test: str) -> str:
    return f"[{_name(test)}](../{test.partition('::')[0]})"


def _name(test: str) -> str:
    path, _, name = test.partition("::")
    return (name or path.rpartition("/")[2]).removeprefix("test_").replace("_", " ")
