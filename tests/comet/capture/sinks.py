"""A sink that keeps what it gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class KeptSink:
    """What was captured, by kind, in order."""

    outputs: list[tuple[bool, str]] = field(default_factory=list)
    codes: list[tuple[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    git_metadata: list[dict[str, str | None]] = field(default_factory=list)
    patches: list[bytes] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    samples: list[dict[str, float]] = field(default_factory=list)

    def output(self, text: str, *, stderr: bool) -> None:
        self.outputs.append((stderr, text))

    def code(self, text: str, file_name: str) -> None:
        self.codes.append((text, file_name))

    def parameters(self, holder: Any, prefix: str | None, step: Any) -> None:
        self.details |= holder

    def file_path(self, path: str) -> None:
        self.paths.append(path)

    def git(self, metadata: dict[str, str | None]) -> None:
        self.git_metadata.append(metadata)

    def git_patch(self, zipped: bytes) -> None:
        self.patches.append(zipped)

    def system_details(self, details: dict[str, Any]) -> None:
        self.details |= details

    def system_metrics(self, values: dict[str, float]) -> None:
        self.samples.append(values)

    def text(self, *, stderr: bool = False) -> str:
        """All that was printed to one of the streams."""
        return "".join(text for error, text in self.outputs if error is stderr)
