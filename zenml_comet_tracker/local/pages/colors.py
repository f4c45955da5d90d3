"""The colour of an experiment: a function of its key alone, so that it never changes when others arrive."""

from __future__ import annotations

import hashlib

# Evenly spaced hues in two lightnesses; each reaches a contrast of 3:1 on the light and on the dark surface.
PALETTE = (
    "#1e76d8", "#7589ed", "#7a5fd2", "#ad76d7", "#a94caa", "#d168a7", "#c3406e", "#df6769", "#c64918", "#cf7119",
    "#9f6c08", "#a68907", "#7b7d0c", "#6c982d", "#0b9035", "#0a9f73", "#128a7d", "#0d99a0", "#0685a0", "#0b97d3",
)  # fmt: skip


def of(experiment_key: str) -> str:
    """One of `PALETTE`, as `#rrggbb`."""
    digest = hashlib.blake2b(experiment_key.encode(), digest_size=4).digest()
    return PALETTE[int.from_bytes(digest, "big") % len(PALETTE)]
