"""`make coverage`: writes docs/coverage.md, then runs each test of the table with the call taken out that it is for.

Exit code 1 when a test does not notice, does not pass to begin with, or asks none of the endpoints that are named.
"""

from __future__ import annotations

import re
import sys

import pytest

from tests.coverage import page
from tests.coverage.table import Call, read
from tests.coverage.without import Without


def main(words: list[str]) -> int:
    """Does both, or with `write` the first."""
    calls = read()
    page.PAGE.write_text(page.written(calls), "utf-8")
    if words == ["write"]:
        return 0
    tests = sorted({call.test for call in calls if call.test})
    without = Without(calls)
    # ZenML comes last: it changes how everything logs, which others look at.
    with_zenml = [test for test in tests if test.startswith("tests/tracker/")]
    for group in ([test for test in tests if test not in with_zenml], with_zenml):
        pytest.main(["-n", "0", "-q", "--tb=short", "-p", "no:cacheprovider", *group], plugins=[without])
    told = {call: _told(call, without) for call in calls}
    for call, problem in told.items():
        if problem:
            print(f"{call.home}: {call.test} {problem}")
    good = sum(not problem for problem in told.values())
    print(f"{good} of {len(calls)} calls: their test asks their endpoint, and fails when the call is taken out")
    return 0 if good == len(calls) else 1


def _told(call: Call, without: Without) -> str | None:
    """What is wrong with the test of a call."""
    if call in without.broken:
        return "does not pass"
    if call not in without.noticed and not call.idle:
        return "passes without it"
    named = [one for one in call.endpoints if one.partition(" ")[0] in ("GET", "POST", "PUT")]
    if named and not any(_was_asked(one, without.asked[call]) for one in named):
        return f"asks none of {', '.join(named)}"
    return None


def _was_asked(endpoint: str, asked: set[str]) -> bool:
    """Whether an endpoint was asked; it may have an id in it: `GET .../{id}`."""
    pattern = re.compile(re.sub(r"\\{.*?\\}", "[^/]+", re.escape(endpoint)))
    return any(pattern.fullmatch(one) for one in asked)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
