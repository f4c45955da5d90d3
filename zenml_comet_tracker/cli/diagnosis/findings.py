"""What one stage of the doctor's examination came to."""

from __future__ import annotations

from dataclasses import dataclass

# The stages in their order, each with the exit code of its failure. docs/cli.md has the same table.
CODES = {
    "configuration": 10,
    "local Comet": 5,
    "DNS": 11,
    "TCP": 12,
    "TLS": 13,
    "answer": 9,
    "key": 8,
    "workspace": 14,
    "project": 15,
    "quota": 16,
    "journal": 17,
    "versions": 18,
    "flavor": 19,
}


@dataclass(frozen=True)
class Finding:
    """A stage and what is so there: `ok`, `note` (fine, but worth knowing), `failed`, or `skipped`.

    `fix` says what to do; `code` is the exit code, 0 unless it failed.
    """

    stage: str
    result: str
    detail: str
    fix: str = ""
    code: int = 0


def ok(stage: str, detail: str) -> Finding:
    """The stage is as it should be."""
    return Finding(stage, "ok", detail)


def note(stage: str, detail: str, fix: str = "") -> Finding:
    """Nothing is wrong, and the user may want to know."""
    return Finding(stage, "note", detail, fix)


def skipped(stage: str, detail: str) -> Finding:
    """The stage was not looked at."""
    return Finding(stage, "skipped", detail)


def failed(stage: str, detail: str, fix: str, code: int | None = None) -> Finding:
    """The stage keeps tracking from working."""
    return Finding(stage, "failed", detail, fix, CODES[stage] if code is None else code)
