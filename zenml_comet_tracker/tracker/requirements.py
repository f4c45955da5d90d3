"""What ZenML installs into its images, so that the steps in them are tracked by this very version of the package."""

from __future__ import annotations

import functools
import json
import logging
import re
from collections.abc import Sequence
from importlib import metadata
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

logger = logging.getLogger(__name__)

PACKAGE = "zenml-comet-tracker"

# What an installer may leave in an address (PEP 610): the user that Git hosts expect, and names of variables.
_HARMLESS_USER = re.compile(r"git|\$\{[A-Za-z0-9_]+\}(:\$\{[A-Za-z0-9_]+\})?")
_SECRET_ARGUMENT = re.compile(r"token|secret|password|signature|credential|api-?_?key|^(sig|key|auth)$", re.IGNORECASE)


class Pin(NamedTuple):
    """A requirement that installs a distribution elsewhere; None, with the reason, where no image could follow it."""

    requirement: str | None
    problem: str = ""


def for_images(configured: Sequence[str] | None, component: str) -> set[str]:
    """The configured requirements; else what installs this package as it is installed here.

    Empty where images cannot get at that, as with a local folder; one warning then says what to do.
    """
    if configured is not None:
        return set(configured)
    pin = installed_pin()
    if pin.requirement is None:
        _say_once(pin.problem, component)
        return set()
    return {pin.requirement}


@functools.cache
def installed_pin() -> Pin:
    """How this package got here, as a requirement."""
    try:
        return pin_of(metadata.distribution(PACKAGE))
    except metadata.PackageNotFoundError:
        return Pin(None, "it is not installed here, only found on Python's path")


def pin_of(distribution: metadata.Distribution) -> Pin:
    """The version of what came from an index; the direct URL (PEP 508) of what came from a repository or an archive.

    Without credentials. No requirement for what came from this machine, or from an address with a secret in its query.
    """
    name, text = distribution.metadata["Name"], distribution.read_text("direct_url.json")
    # Conda leaves there the folder of the machine that built its package.
    if text is None or (distribution.read_text("INSTALLER") or "").strip() == "conda":
        return Pin(f"{name}=={distribution.version}")
    try:
        found = json.loads(text)
        return _direct(name, found, urlsplit(found["url"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        return Pin(None, "the record of where it was installed from (direct_url.json) cannot be read")


def _direct(name: str, found: dict[str, Any], parts: SplitResult) -> Pin:
    """The requirement that a record of PEP 610 stands for."""
    vcs, archive = found.get("vcs_info"), found.get("archive_info")
    if parts.scheme in ("", "file") or (vcs is None and archive is None):
        return Pin(None, f"it was installed from {parts.path}, on this machine")
    if any(_SECRET_ARGUMENT.search(argument) for argument, _ in parse_qsl(parts.query)):
        return Pin(None, f"the address at {parts.hostname} that it was installed from holds a secret")
    address = urlunsplit(parts._replace(netloc=_without_credentials(parts.netloc), fragment=""))
    fragments = []
    if vcs is not None:
        address = f"{vcs['vcs']}+{address}@{vcs['commit_id']}"
    elif digest := _digest(archive or {}):
        fragments.append(digest)
    if subdirectory := found.get("subdirectory"):
        fragments.append(f"subdirectory={subdirectory}")
    return Pin(f"{name} @ {address}" + ("#" + "&".join(fragments) if fragments else ""))


def _digest(archive: dict[str, Any]) -> str | None:
    """`sha256=...` of an archive, where the installer wrote it down, or what older ones wrote in its place."""
    hashes = archive.get("hashes") or {}
    if "sha256" in hashes:
        return f"sha256={hashes['sha256']}"
    return archive.get("hash")


def _without_credentials(netloc: str) -> str:
    user, separator, host = netloc.rpartition("@")
    return netloc if not separator or _HARMLESS_USER.fullmatch(user) else host


# Images are built one by one for steps that differ, and each build asks.
@functools.cache
def _say_once(problem: str, component: str) -> None:
    logger.warning(
        "The images that ZenML builds get no %s: %s, where no image can follow. Their steps will not find the "
        "experiment tracker %r. Build a wheel (pip wheel --no-deps -w wheels <folder or address>) and put it at an "
        "address or into an index that the builds reach: zenml experiment-tracker update %s "
        "--requirements='[\"%s @ https://...whl\"]'. Or bring the package with DockerSettings(requirements=[...]), "
        "DockerSettings(parent_image=...) or a Dockerfile of your own, and say so with --requirements='[]'.",
        PACKAGE,
        problem,
        component,
        component,
        PACKAGE,
    )
