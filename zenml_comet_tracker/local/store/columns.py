"""Which fields a project has: what a table of its experiments can show, and what a search can name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Subquery, and_, exists, func, literal, select

from zenml_comet_tracker.local.store import symlinks
from zenml_comet_tracker.local.store.schema import experiment
from zenml_comet_tracker.local.store.search.fields import METADATA, NAMED, Kind, Named
from zenml_comet_tracker.local.store.search.rules import Source

# Others that Comet's own tables offer in every project.
_OFFERED = ("Name", "throttled")
# They do not make texts of a field of numbers.
_NO_TEXTS = ("nan", "null")


@dataclass(frozen=True)
class Column:
    """One field: its name, its type, and where its values come from."""

    name: str
    kind: Kind
    source: Source


def of_project(connection: Connection, project_id: str, *, archived: bool) -> list[Column]:
    """The built-in fields, then every name that the project's experiments logged, by source and letter. Logged texts
    that are numbers in every experiment make a field of numbers."""
    found = [Column(name, known.kind, "metadata") for name, known in METADATA.items()]
    found += [Column(name, "string", "log_other") for name in _OFFERED]
    for source, fields in NAMED.items():
        found += _logged(connection, source, fields, _listed(project_id, archived))
    # An offered one may be logged too.
    return list({(column.source, column.name): column for column in reversed(found)}.values())[::-1]


def sources_of(connection: Connection, project_id: str, name: str, *, archived: bool) -> list[Source]:
    """The sources in which the project has a field of this name."""
    listed = _listed(project_id, archived)
    sources: list[Source] = ["metadata"] if name in METADATA else []
    for source, fields in NAMED.items():
        if connection.scalar(select(_occurs(fields, fields.name == name, listed))):
            sources.append(source)
    return sources


def _listed(project_id: str, archived: bool) -> ColumnElement[bool]:
    return symlinks.listed_in(project_id) & experiment.c.archived.is_(archived)


def _logged(connection: Connection, source: Source, fields: Named, listed: ColumnElement[bool]) -> Iterator[Column]:
    names = _names(fields)
    here = _occurs(fields, fields.name == names.c.name, listed)
    texts = _texts(fields, fields.name == names.c.name, listed)
    query = select(names.c.name, texts.label("texts")).where(names.c.name.is_not(None), here).order_by(names.c.name)
    for row in connection.execute(query):
        yield Column(row.name, "string" if row.texts else "double", source)


def _names(fields: Named) -> Subquery:
    """All names there are. From one name to the next through the index: read row by row it took as many steps as there
    are values."""
    first = select(func.min(fields.name).label("name")).cte("names", recursive=True)
    following = select(func.min(fields.name)).where(fields.name > first.c.name).scalar_subquery()
    return select(first.union_all(select(following).where(first.c.name.is_not(None))).c.name).subquery()


def _texts(fields: Named, named: ColumnElement[bool], listed: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether an experiment has a text under this name that is no number."""
    if fields.text is None or fields.number is None:
        return literal(fields.number is None)
    return _occurs(fields, and_(named, fields.number.is_(None), func.lower(fields.text).not_in(_NO_TEXTS)), listed)


def _occurs(fields: Named, named: ColumnElement[bool], listed: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(named, fields.experiment_id == experiment.c.id, listed)
