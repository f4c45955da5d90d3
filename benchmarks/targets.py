"""What the figures are to reach, as shares of the peers' figures of the same run or as plain limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.clients import COMET_ML, OURS, TRACKIO


@dataclass(frozen=True)
class Target:
    """At most this share of a peer's figure, and at most `limit`."""

    shares: tuple[tuple[float, str], ...] = ()
    limit: float | None = None

    def __str__(self) -> str:
        told = [f"{share:g} x {peer}" for share, peer in self.shares]
        return ", ".join([*told, *([f"{self.limit:g}"] if self.limit is not None else [])])

    def verdict(self, medians: Mapping[str, float]) -> str:
        """Whether our median reaches it; peers that were not measured are left out."""
        limits = [share * medians[peer] for share, peer in self.shares if peer in medians]
        limits += [self.limit] if self.limit is not None else []
        if not limits:
            return ""
        return "reached" if medians[OURS] <= min(limits) else f"missed: {medians[OURS] / max(min(limits), 1e-9):.2g} x"


TARGETS = {
    ("import", "seconds"): Target(((0.2, COMET_ML),)),
    ("import", "memory_mb"): Target(limit=40),
    ("log_metric", "mean_us"): Target(((0.1, COMET_ML), (0.4, TRACKIO))),
    ("log_metrics_of_10", "mean_us"): Target(((0.3, TRACKIO),)),
    ("create_and_end", "seconds"): Target(((0.04, COMET_ML),)),
    ("deliver_100000_points", "seconds"): Target(((0.06, COMET_ML),)),
    ("deliver_100000_points", "lost"): Target(limit=0),
    ("outage_1000000_points", "above_idle_mb"): Target(limit=30),
    ("outage_1000000_points", "lost"): Target(limit=0),
    ("small_assets_1000", "seconds"): Target(((0.4, COMET_ML),)),
    # Constant memory: a few buffers, whatever the size of the file.
    ("large_asset_100_mb", "above_idle_mb"): Target(limit=10),
    ("step_of_10000_points", "requests_beside_batches"): Target(limit=6),
    ("step_of_10000_points", "requests_until_started"): Target(limit=2),
}
