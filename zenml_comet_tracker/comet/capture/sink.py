"""Where what is captured goes."""

from __future__ import annotations

from typing import Any, Protocol


class Sink(Protocol):
    """Writes the records of one experiment. Any thread may call it; it may raise."""

    def output(self, text: str, *, stderr: bool) -> None:
        """Records lines that the program printed, with their newlines."""

    def code(self, text: str, file_name: str) -> object:
        """Records the program's source; the last one wins."""

    def parameters(self, holder: Any, prefix: str | None, step: Any) -> None:
        """Records parameters, nested ones by their full names."""

    def file_path(self, path: str) -> None:
        """Records which file the program is."""

    def git(self, metadata: dict[str, str | None]) -> None:
        """Records user, root, branch, parent and origin."""

    def git_patch(self, zipped: bytes) -> object:
        """Records what was not committed: a zip that holds `git_diff.patch`."""

    def system_details(self, details: dict[str, Any]) -> None:
        """Records details of machine and process, by the names of the wire."""

    def system_metrics(self, values: dict[str, float]) -> None:
        """Records a sample of what the machine does."""
