"""What one step is to do, and what it has to tell afterwards."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

OURS, OFFICIAL = "ours", "official"


@dataclass(frozen=True)
class Plan:
    """One step. `folder` holds its board and whatever it leaves behind; times are seconds of its own clock, which runs
    at `rate`; `arguments` go to our `Experiment`; `environment` is set before the experiment is made.
    """

    folder: str
    root: str
    api_key: str
    experiment_key: str
    story: str = "network"
    client: str = OURS
    points: int = 300
    fault: str = ""
    window: str = ""
    rate: float = 1.0
    timeout: float = 30.0
    arguments: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    # Free for the story: where to die, what to fill.
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def board_file(self) -> Path:
        """The shared counters."""
        return Path(self.folder) / "board"

    @property
    def report_file(self) -> Path:
        """What the step says when it lived to say it."""
        return Path(self.folder) / "report.json"

    @property
    def journals(self) -> Path:
        """Where our client keeps its journals, the official one its archives."""
        return Path(self.folder) / "journals"

    def dumps(self) -> str:
        """As one argument of a command."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> Plan:
        """The plan that `dumps` wrote."""
        return cls(**json.loads(text))


@dataclass(frozen=True)
class Report:
    """A step's own account: figures of its calls, and what the client said. Seconds are of the step's clock."""

    opened_seconds: float = 0.0
    mean_us: float = 0.0
    p99_us: float = 0.0
    end_seconds: float = 0.0
    delivered: bool | None = None
    reason: str | None = None
    stats: dict[str, Any] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Writes it for whoever runs the step."""
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> Report | None:
        """What a step wrote; None when it did not come so far."""
        return cls(**json.loads(path.read_text())) if path.exists() else None
