"""What it takes to log to one experiment, from this process or from another."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace

from zenml_comet_tracker.comet import ranks as distributed
from zenml_comet_tracker.comet.arguments import checked_key, expect
from zenml_comet_tracker.comet.delivery.protocol import chosen_protocol
from zenml_comet_tracker.comet.errors import ConfigurationError
from zenml_comet_tracker.comet.journal.place import Place, find_place
from zenml_comet_tracker.comet.journal.record import Header, fingerprint
from zenml_comet_tracker.comet.journal.room import DEFAULT_MAX_BYTES, limit_of
from zenml_comet_tracker.comet.settings import ResolvedSettings

MODES = ("create", "get_or_create")
DURABILITIES = ("process", "sync")


@dataclass(frozen=True)
class Handle:
    """One writer's way to an experiment. Travels by pickle, with the API key in it, which shows in no repr.

    `ended` says that nothing can be logged through it any more.
    """

    settings: ResolvedSettings
    header: Header
    place: Place
    durability: str = "process"
    max_bytes: int = DEFAULT_MAX_BYTES
    strict: bool = False
    name: str | None = None
    ended: bool = False
    ranks: str | None = None

    def for_child(self, parent_writer: str | None) -> Handle:
        """The handle of a writer in a forked child; `parent_writer` is the nearest one that has a journal."""
        return replace(self, header=_of_another_writer(self.header, parent_writer))

    def arrived(self) -> Handle:
        """The handle of a writer in the process that unpickled this one: it joins, on this host, and ends nothing."""
        header = _of_another_writer(self.header, self.header.writer)
        return replace(self, header=replace(header, mode="get_or_create"))

    def with_own(self, *, strict: bool, journal_folder: str | os.PathLike[str] | None, ranks: str | None) -> Handle:
        """The handle with what this process says itself; the rest is for the one that it comes from to say."""
        place = self.place if journal_folder is None else find_place(journal_folder)
        asked = _checked_ranks(ranks)
        # Which ranks log is not asked where nobody does.
        rule = self.ranks if self.ranks == distributed.NOBODY else asked or self.ranks
        return replace(self, strict=strict or self.strict, place=place, ranks=rule)


def new_handle(
    settings: ResolvedSettings,
    *,
    mode: str,
    attempt: int,
    primary: bool,
    journal_folder: str | os.PathLike[str] | None,
    strict: bool,
    durability: str,
    journal_max_bytes: int | None,
    journal_persistent: bool | None,
    protocol: str | None,
    component_id: str | None,
    ranks: str | None,
) -> Handle:
    """The first writer's handle, from the arguments of `Experiment`; `ConfigurationError` for one that cannot be."""
    expect("mode", mode, MODES)
    expect("durability", durability, DURABILITIES)
    shared = _checked_ranks(ranks) == distributed.ALL and distributed.rank_of(os.environ) is not None
    if shared and settings.experiment_key is None:
        raise ConfigurationError(_NO_COMMON_KEY)
    header = Header(
        experiment_key=checked_key(settings.experiment_key),
        root=settings.root,
        # Empty for no key: whoever delivers the journal may use any.
        key_fingerprint=fingerprint(settings.api_key) if settings.api_key else "",
        offline=settings.offline,
        workspace=settings.workspace,
        project_name=settings.project_name,
        primary=primary and distributed.Ranks(ranks).first,
        # Any of the ranks may be the one that opens it.
        mode="get_or_create" if shared else mode,
        attempt=attempt,
        started_millis=time.time_ns() // 1_000_000,
        protocol=chosen_protocol(protocol),
        component_id=component_id,
    )
    folder = journal_folder or (settings.offline_directory if settings.offline else None)
    place, limit = find_place(folder), limit_of(journal_max_bytes)
    if journal_persistent is not None and place.folder is not None:
        place = replace(place, persistent=journal_persistent)
    return Handle(settings, header, place, durability=durability, max_bytes=limit, strict=strict, ranks=ranks)


def _checked_ranks(ranks: str | None) -> str | None:
    if ranks is not None:
        expect("ranks", ranks, distributed.RULES)
    return ranks


_NO_COMMON_KEY = (
    "ranks='all' has every rank of a distributed job log to one experiment, and this one has no key of it. Pass the "
    "same experiment_key=... in all of them (32 to 50 letters and digits), or start them with the environment of the "
    "process that has the experiment: env={**os.environ, **experiment.env()}."
)


def _of_another_writer(header: Header, parent_writer: str | None) -> Header:
    fresh = Header(header.experiment_key, header.root, header.key_fingerprint)
    earlier = [writer for writer in (*header.earlier_writers, header.parent_writer) if writer]
    return replace(
        header,
        writer=fresh.writer,
        parent_writer=parent_writer,
        earlier_writers=tuple(dict.fromkeys(writer for writer in earlier if writer != parent_writer)),
        primary=False,
        host=fresh.host,
        boot_id=fresh.boot_id,
    )
