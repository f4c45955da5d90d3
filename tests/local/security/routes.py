"""Everything that the application answers to, hidden routes too: a list nobody has to keep."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from tests.fixtures.local_server import KEY, LocalServer
from zenml_comet_tracker.local.app import create_app


class Route(NamedTuple):
    """A method and a path with every parameter filled in."""

    method: str
    path: str

    @property
    def is_alias(self) -> bool:
        """Whether it is another address of a route of REST v2."""
        return self.path.startswith("/clientlib/rest/v2/")


def every_route(server: LocalServer, fill: str = "x") -> list[Route]:
    """All routes of a server, parameters of their paths replaced by `fill`."""
    return [Route(method, re.sub("{[^}]*}", fill, path)) for method, path in _templates(server.store)]


@lru_cache(maxsize=1)
def _templates(store: Any) -> list[tuple[str, str]]:
    app: Any = create_app(store, KEY, 1)
    found = sorted(set(_walk(app.app._app.routes)))
    assert len(found) > 150
    assert ("GET", "/{workspace}/{project}/{key}") in found
    return found


def _walk(routes: Iterable[Any]) -> Iterator[tuple[str, str]]:
    for route in routes:
        # Newer versions of FastAPI keep included routers as they are.
        if hasattr(route, "effective_candidates"):
            yield from _walk(route.effective_candidates())
        else:
            yield from ((method, route.path) for method in route.methods or ())
