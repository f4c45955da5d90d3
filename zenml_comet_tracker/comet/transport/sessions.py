"""How requests are sent: sessions that keep their secrets, connections for large bodies, reads that are repeated."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.util.retry import Retry

from zenml_comet_tracker import __version__
from zenml_comet_tracker.comet import proof

USER_AGENT = f"zenml-comet-tracker/{__version__} python-requests/{requests.__version__}"
# What a socket takes at once: the libraries' 16 KiB make the encoder the slowest part of a large upload.
UPLOAD_BLOCK_BYTES = 256 << 10
# The threads that deliver records, files and heartbeats, and a caller who reads, find a connection each.
POOL_SIZE = 8
READ_RETRIES = 3


class _ApiKey(AuthBase):
    """Sets the raw key. As an auth object it cannot be replaced by `.netrc`, and is dropped on a change of host."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._key
        return request


class Session(requests.Session):
    """A session whose secrets stay with the host they are meant for, and that sends no secret of anybody else's."""

    def __init__(self, key: str, headers: Mapping[str, str]) -> None:
        super().__init__()
        self.auth = _ApiKey(key)
        self._extra = tuple(headers)
        self.headers.update({"User-Agent": USER_AGENT, **headers})
        # The key is all that says who we are; a cookie would only tie every thread to one machine behind a balancer.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """On a redirect: takes the secrets off when it leads to another host. `.netrc` has no say."""
        asked, next_one = str(response.request.url), str(prepared_request.url)
        if self.should_strip_auth(asked, next_one):  # type: ignore[no-untyped-call]
            for name in ("Authorization", *self._extra):
                prepared_request.headers.pop(name, None)


class Adapter(HTTPAdapter):
    """Connections that send large bodies in large blocks."""

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, blocksize=UPLOAD_BLOCK_BYTES, **pool_kwargs)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, blocksize=UPLOAD_BLOCK_BYTES, **proxy_kwargs)


class ProvingAdapter(Adapter):
    """Connections to a server that proves on each that it knows the key, before anything is sent."""

    def __init__(self, key: str, limit: float, **options: Any) -> None:
        class Connection(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                try:
                    proof.require(self.sock, self.host, self.port, key, limit)
                except BaseException:
                    self.close()
                    raise

        class Pool(HTTPConnectionPool):
            ConnectionCls = Connection

        self._pool = Pool
        super().__init__(**options)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": self._pool}


class _ReadRetry(Retry):
    """Repeats what only reads: many of Comet's writes are GETs too, and one that was done must not be done again."""

    def increment(self, method: str | None = None, url: str | None = None, *more: Any, **options: Any) -> Retry:  # type: ignore[override]
        left = self.new(total=0) if "/write/" in (url or "") else self
        return Retry.increment(left, method, url, *more, **options)


def read_retries(total: int = READ_RETRIES) -> Retry:
    """Reads are repeated here; writes are the journal's, or the caller's, to repeat."""
    return _ReadRetry(
        total=total,
        # urllib3 would repeat a refused connection whatever the method, and hold a delivery up for seconds.
        connect=0,
        backoff_factor=0.3,
        status_forcelist=(500, 502, 503, 504),
        allowed_methods=frozenset({"GET"}),
        raise_on_status=False,
        respect_retry_after_header=False,
    )
