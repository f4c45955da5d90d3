"""What the server has, read with plain requests, held against what the board counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.faults.board import KINDS
from tests.fixtures.local_server import LocalServer


@dataclass(frozen=True)
class Received:
    """Everything of one experiment, by writer: the steps of its metric in the server's order, the rest's numbers."""

    metrics: dict[int, list[int]]
    parameters: dict[int, list[int]]
    html: dict[int, list[int]]
    assets: dict[int, list[int]]
    running: bool
    crashed: bool
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Balance:
    """Logged against received. `lost` and `repeated` count values; `faults` are in words: order, values, strangers."""

    logged: int
    received: int
    lost: int
    repeated: int
    faults: list[str]

    def __add__(self, other: Balance) -> Balance:
        """Both together."""
        return Balance(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def read(server: LocalServer, key: str) -> Received:
    """What the server has under an experiment key; nothing when it does not know it."""
    answered = server.call("GET", "api/rest/v2/experiment/metadata", params={"experimentKey": key})
    if answered.status_code != 200:
        return Received({}, {}, {}, {}, False, False)
    metadata = answered.json()
    wrong: list[str] = []
    names = [row["name"] for row in server.get("experiment/metrics/summary", experimentKey=key)["values"]]
    metrics = {int(name[1:]): _steps(server, key, name, wrong) for name in names if re.fullmatch(r"m\d+", name)}
    parameters = [row["name"] for row in server.get("experiment/parameters", experimentKey=key)["values"]]
    html = re.findall(r"<p>(\d+\.\d+)</p>", server.get("experiment/html", experimentKey=key)["html"])
    assets = [row["fileName"] for row in server.get("experiment/asset/list", experimentKey=key)["assets"]]
    return Received(
        metrics,
        _by_writer(name[1:] for name in parameters if name.startswith("p")),
        _by_writer(html),
        _by_writer(name[1:] for name in assets if re.fullmatch(r"a\d+\.\d+", name)),
        running=bool(metadata.get("running")),
        crashed=bool(metadata.get("hasCrashed")),
        wrong=wrong,
    )


def merged(first: Received, others: Sequence[Received]) -> Received:
    """What is in any of several experiments, as if what only the others have were in the first."""
    for other in others:
        for kind in KINDS:
            own, foreign = getattr(first, kind), getattr(other, kind)
            for writer, numbers in foreign.items():
                have = own.setdefault(writer, [])
                have.extend(sorted(set(numbers) - set(have)))
    return first


def _steps(server: LocalServer, key: str, name: str, wrong: list[str]) -> list[int]:
    rows = server.get("experiment/metrics/get-metric", experimentKey=key, metricName=name)["metrics"]
    wrong += [f"{name} of step {row['step']}" for row in rows if float(row["metricValue"]) != row["step"] * 0.5]
    return [row["step"] for row in rows]


def _by_writer(names: Iterable[str]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for name in names:
        writer, _, number = name.partition(".")
        found.setdefault(int(writer), []).append(int(number))
    return found


def balance(counts: list[dict[str, int]], received: Received, *, slack: int = 0) -> Balance:
    """Holds one against the other; a killed writer may have logged `slack` more of each kind than it came to count."""
    faults = [f"wrong value: {wrong}" for wrong in received.wrong[:3]]
    lost = repeated = arrived = 0
    for writer, counted in enumerate(counts):
        for kind, logged in counted.items():
            found = getattr(received, kind).get(writer, [])
            arrived += len(found)
            times = Counter(found)
            lost += sum(1 for number in range(logged) if number not in times)
            repeated += len(found) - len(times)
            strangers = [number for number in times if number >= logged + slack]
            faults += [f"{kind} of writer {writer} never logged: {strangers[:3]}"] if strangers else []
            if kind in ("metrics", "html") and found != sorted(found):
                faults.append(f"{kind} of writer {writer} out of order")
    return Balance(sum(sum(counted.values()) for counted in counts), arrived, lost, repeated, faults)
