"""The trackers that are played, by flavor."""

from __future__ import annotations

from tests.parity.peers.of_comet import Comet
from tests.parity.peers.of_mlflow import Mlflow
from tests.parity.peers.of_neptune import Neptune
from tests.parity.peers.of_trackio import Trackio
from tests.parity.peers.of_vertex import Vertex
from tests.parity.peers.of_wandb import Wandb
from tests.parity.peers.stores import Peer

PEERS: dict[str, type[Peer]] = {kind.flavor: kind for kind in (Comet, Mlflow, Wandb, Neptune, Trackio, Vertex)}
