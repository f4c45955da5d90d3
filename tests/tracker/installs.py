"""`python -m tests.tracker.installs`: install this checkout in every way that pip knows, and see what images would get.

Held to what `pip freeze` says of each, and each requirement is installed in turn, as an image does it. Takes a minute.
"""

from __future__ import annotations

import functools
import http.server
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from zenml_comet_tracker.tracker import requirements

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Zero when each way of installing gives the requirement that it should."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = _wheel(folder)
        repository = _repository(folder)
        with _served(folder) as address:
            reachable = [f"{address}/{wheel.name}", f"git+{address}/{repository.name}@main"]
            here = [str(wheel), wheel.as_uri(), str(ROOT), f"git+{repository.as_uri()}"]
            problems = [
                *(
                    problem
                    for number, source in enumerate(reachable)
                    for problem in _check(folder / f"r{number}", source)
                ),
                *(
                    f"{source}: an image would be told {pin.requirement}"
                    for number, source in enumerate(here)
                    if (pin := _pin(_install(folder / f"h{number}", source))).requirement is not None
                ),
            ]
    for problem in problems:
        print(problem)
    print(f"{len(reachable) + len(here)} ways, {len(problems)} problems")
    return min(1, len(problems))


def _check(folder: Path, source: str) -> Iterator[str]:
    """What is wrong with the requirement of an installation from an address."""
    frozen = _frozen(_install(folder, source))
    pin = _pin(folder)
    print(f"{source}\n  -> {pin.requirement}")
    if pin.requirement != frozen:
        yield f"{source}: {pin} is not pip's {frozen}"
    elif _frozen(_install(folder.with_suffix(".image"), pin.requirement)) != frozen:
        yield f"{source}: {pin.requirement} installs something else"


def _pin(folder: Path) -> requirements.Pin:
    (found,) = metadata.distributions(path=[str(folder)])
    return requirements.pin_of(found)


def _install(folder: Path, source: str) -> Path:
    _run("pip", "install", "--quiet", "--no-deps", "--target", str(folder), source)
    return folder


def _frozen(folder: Path) -> str:
    return _run("pip", "freeze", "--path", str(folder)).strip()


def _wheel(folder: Path) -> Path:
    _run("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (made,) = folder.glob("*.whl")
    return made


def _repository(folder: Path) -> Path:
    """A repository of what is committed, such as a web server without any knowledge of git can serve."""
    made, source = folder / "repository.git", folder / "source.tar"
    subprocess.run(["git", "archive", f"--output={source}", "HEAD"], cwd=ROOT, check=True)
    work = folder / "work"
    with tarfile.open(source) as archive:
        archive.extractall(work, filter="data")
    git = ["git", "-c", "user.name=Tests", "-c", "user.email=tests@example.com"]
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "."],
        ["commit", "--quiet", "-m", "All of it"],
    ):
        subprocess.run([*git, *command], cwd=work, check=True)
    subprocess.run(["git", "clone", "--quiet", "--bare", work, made], check=True)
    subprocess.run(["git", "update-server-info"], cwd=made, check=True)
    return made


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def _run(*module: str) -> str:
    done = subprocess.run([sys.executable, "-m", *module], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
