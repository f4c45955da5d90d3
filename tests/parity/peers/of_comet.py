"""Comet's own: only what needs no run; table.yaml has the rest, played on a local Comet."""

from __future__ import annotations

from tests.parity.peers.stores import Kept, Peer


class Comet(Peer):
    """Is asked about, and not run."""

    flavor = "comet"
    key, key_variable = "api_key", "COMET_API_KEY"
    configuration = {key: "a-key"}

    def log(self, values: dict[str, float]) -> None:
        raise NotImplementedError("played by tests/parity/test_points.py")

    def kept(self) -> list[Kept]:
        return []
