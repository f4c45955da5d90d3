"""docs/security.md names tests that exist, for thirty lines, and limits that are those in force."""

from __future__ import annotations

import re
from pathlib import Path

from zenml_comet_tracker.local.routes import calls, fields

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parents[1] / "docs" / "security.md").read_text("utf-8")
ROWS = re.findall(r"^\| (\d+) \| (.*?) \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)


def test_each_line_names_tests_that_exist() -> None:
    known = {
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.M)
    }
    assert [int(row[0]) for row in ROWS] == list(range(1, 31))
    for number, _, motive, tests in ROWS:
        named = re.findall(r"`(\w+)`", tests)
        assert named, number
        assert motive.strip(), number
        assert [name for name in named if name not in known] == [], number


def test_the_limits_are_those_that_are_told() -> None:
    row = ROWS[24][1]
    assert f"{calls.MAX_BODY_BYTES >> 20} MiB" in row
    for limit in (calls.MAX_CONTAINERS, fields.MAX_BATCH, fields.MAX_TEXT, fields._MAX_DEPTH):
        assert f"{limit:,}" in row


def test_nothing_unpacks_an_archive() -> None:
    """Entries are looked up by name and copied, one by one; the other readers are of what the client downloads."""
    package = TESTS.parents[1] / "zenml_comet_tracker"
    texts = {path: path.read_text("utf-8") for path in package.rglob("*.py")}
    unpacks = re.compile(r"\b(tarfile|unpack_archive|extractall|lzma|bz2|py7zr)\b|\.extract\(")
    assert [path for path, text in texts.items() if unpacks.search(text)] == []
    reads = re.compile(r"ZipFile\(\w+\)|ZipFile\([^)]*\"r\"|is_zipfile")
    readers = {path.relative_to(package).as_posix() for path, text in texts.items() if reads.search(text)}
    assert readers <= {
        "local/store/restore.py",
        "comet/saving.py",
        "comet/resources/full_metrics.py",
        "comet/api_experiment/git.py",
    }
