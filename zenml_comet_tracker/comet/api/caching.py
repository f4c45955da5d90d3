"""The cache that Comet's own API has, and this one does without."""

from __future__ import annotations

from zenml_comet_tracker.comet.api.base import ApiBase


class Caching(ApiBase):
    """What code written for a cache calls. Every read asks the server, so that it never shows what was."""

    def use_cache(self, cache: bool | None = None) -> bool | None:
        """What was last said of the cache, when nothing is said; else it is kept in mind and changes nothing."""
        if cache is None:
            return self._cache
        self._cache = cache
        return None

    def do_cache(self, *endpoints: str) -> None:
        """Does nothing."""

    def do_not_cache(self, *endpoints: str) -> None:
        """Does nothing."""

    def clear_cache(self) -> None:
        """Does nothing: nothing is kept."""

    def update_cache(self) -> None:
        """As `clear_cache`."""
