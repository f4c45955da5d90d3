"""An artifact of 1,000 files and 1 GB to the local Comet and back, cut half way each time: `python -m
tests.comet.artifacts.large`.

The client runs in processes of its own, whose peak memory is printed; the server runs in this one. Exits with 1 when
something is not as promised.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from tests.fixtures.gate import Gate, gate_to
from tests.fixtures.local_server import serving
from zenml_comet_tracker.comet.api import API
from zenml_comet_tracker.comet.artifacts import Artifact
from zenml_comet_tracker.comet.errors import DownloadError
from zenml_comet_tracker.comet.experiment import Experiment

NAME = "large"
# What Python, the client and its buffers take; nothing of it grows with the artifact.
MOST_MEMORY = 200 << 20


def main() -> int:
    """Runs it all, or in a process of its own one part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--bytes", type=int, default=1 << 30)
    parser.add_argument("--part", choices=["up", "down"], help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs="*", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.part == "up":
        return _up(*chosen.arguments)
    if chosen.part == "down":
        return _down(*chosen.arguments)
    with tempfile.TemporaryDirectory(prefix="zenml-comet-large-") as folder:
        return _all(Path(folder), chosen.files, chosen.bytes)


def _up(root: str, api_key: str, key: str, journals: str, folder: str) -> int:
    experiment = Experiment(
        api_key, "large", "ws", url=root, experiment_key=key, mode="get_or_create", journal_folder=journals, strict=True
    )
    artifact = Artifact(NAME)
    artifact.add(folder, "")
    experiment.log_artifact(artifact).wait()
    experiment.end()
    return _say_memory()


def _down(root: str, api_key: str, folder: str) -> int:
    API(api_key, url=root).get_artifact("ws", NAME).download(folder)
    return _say_memory()


def _say_memory() -> int:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    return 0


def _all(folder: Path, count: int, size: int) -> int:
    source, target, journals = folder / "source", folder / "target", folder / "journals"
    digests = _write(source, count, size)
    print(f"{count:,} files, {size / 1e6:,.0f} MB")
    good = True
    with serving(folder / "comet") as server, gate_to(server.url) as gate:
        up = ["up", gate.url, server.api_key, uuid.uuid4().hex, str(journals), str(source)]
        down = ["down", gate.url, server.api_key, str(target)]
        for title, part in (("up", up), ("down", down)):
            passed, killed = _killed_half_way(gate, part, size)
            print(
                f"{title:>5}: killed after {passed / 1e6:,.0f} MB" if killed else f"{title:>5}: was through too early"
            )
            seconds, passed, memory = _run(gate, part)
            print(
                f"{title:>5}: gone on, {passed / 1e6:,.0f} MB in {seconds:.1f} s, peak {memory / 1e6:,.0f} MB of memory"
            )
            good &= killed and passed < 0.65 * size and memory < MOST_MEMORY
        good &= _same("after going on", _digests(target), digests)
        shutil.rmtree(target)
        seconds, passed, memory = _run(gate, down)
        print(f" down: at once, {passed / 1e6:,.0f} MB in {seconds:.1f} s, peak {memory / 1e6:,.0f} MB of memory")
        good &= memory < MOST_MEMORY and _same("at once", _digests(target), digests)
        shutil.rmtree(target)
        # The whole way up once more, to a version of its own.
        up[3] = uuid.uuid4().hex
        seconds, passed, memory = _run(gate, up)
        print(f"   up: at once, {passed / 1e6:,.0f} MB in {seconds:.1f} s, peak {memory / 1e6:,.0f} MB of memory")
        good &= memory < MOST_MEMORY and passed < 1.05 * size
        good &= _finds_a_flipped_byte(API(server.api_key, url=server.url), folder)
    print("as promised" if good else "NOT AS PROMISED")
    return 0 if good else 1


def _write(folder: Path, count: int, size: int) -> dict[str, str]:
    """Files of very different sizes, their checksums by name."""
    numbers = random.Random(7)
    weights = [numbers.random() ** 4 for _ in range(count)]
    digests = {}
    for number, weight in enumerate(weights):
        path = folder / f"{number % 10}" / f"{number:04}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        data = os.urandom(int(size * weight / sum(weights)))
        path.write_bytes(data)
        digests[str(path.relative_to(folder))] = hashlib.sha256(data).hexdigest()
    return digests


def _digests(folder: Path) -> dict[str, str]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _same(when: str, found: dict[str, str], expected: dict[str, str]) -> bool:
    if found != expected:
        print(f"{when} {len(found.items() ^ expected.items())} files differ")
    return found == expected


def _command(part: list[str]) -> list[str]:
    return [sys.executable, "-m", "tests.comet.artifacts.large", "--part", part[0], "--", *part[1:]]


def _killed_half_way(gate: Gate, part: list[str], size: int) -> tuple[int, bool]:
    """How many bytes passed until the process was killed, and whether it was still at it."""
    before = gate.up + gate.down
    with subprocess.Popen(_command(part), stdout=subprocess.DEVNULL) as process:
        while gate.up + gate.down - before < size / 2 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    return gate.up + gate.down - before, process.returncode == -signal.SIGKILL


def _run(gate: Gate, part: list[str]) -> tuple[float, int, int]:
    """Seconds, bytes that passed, and the peak memory of the process in bytes."""
    before, began = gate.up + gate.down, time.monotonic()
    done = subprocess.run(_command(part), stdout=subprocess.PIPE, text=True, check=True)
    return time.monotonic() - began, gate.up + gate.down - before, int(done.stdout.split()[-1])


def _finds_a_flipped_byte(api: API, folder: Path) -> bool:
    asset = max(api.get_artifact("ws", NAME).assets, key=lambda asset: asset.size)
    (stored,) = (folder / "comet").rglob(str(asset.sha256))
    with stored.open("r+b") as stream:
        stream.seek(asset.size // 2)
        byte = stream.read(1)
        stream.seek(asset.size // 2)
        stream.write(bytes([byte[0] ^ 1]))
    try:
        asset.download(str(folder / "flipped"))
    except DownloadError as error:
        print(f"one bit of {asset.size / 1e6:,.1f} MB flipped: {error}")
        return not any(path.is_file() for path in (folder / "flipped").rglob("*"))
    print("a flipped bit was not found")
    return False


if __name__ == "__main__":
    sys.exit(main())
