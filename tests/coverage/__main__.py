"""`make coverage`: writes docs/coverage.md, then runs each test of the table with the call taken out that it is for.

Exit code 1 when a test does not notice, or does not pass to begin with.
"""

from __future__ import annotations

import sys

import pytest

from tests.coverage import page
from tests.coverage.table import read
from tests.coverage.without import Without


def main(words: list[str]) -> int:
    """Does both, or with `write` the first."""
    calls = read()
    page.PAGE.write_text(page.written(calls), "utf-8")
    if words == ["write"]:
        return 0
    tests = sorted({call.test for call in calls if call.test})
    without = Without(calls)
    pytest.main(["-n", "0", "-q", "--tb=short", "-p", "no:cacheprovider", *tests], plugins=[without])
    failed = 0
    for call in calls:
        if call in without.noticed:
            continue
        failed += 1
        told = "does not pass" if call in without.broken else "passes without it" if call.test else "no test is named"
        print(f"{call.home}: {call.test or ''} {told}")
    print(f"{len(calls) - failed} of {len(calls)} calls: their test fails when the call is taken out")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
