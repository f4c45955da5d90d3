"""Requests to one Comet root with one API key: request in, decoded answer or one of our errors out.

The only package that imports an HTTP library.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import logging
import mimetypes
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from urllib.parse import urlencode

import orjson
import requests
import urllib3
from requests_toolbelt import MultipartEncoder
from urllib3.filepost import encode_multipart_formdata

from zenml_comet_tracker.comet import errors, forks, proof
from zenml_comet_tracker.comet.settings import ResolvedSettings
from zenml_comet_tracker.comet.streams import SteadyStream
from zenml_comet_tracker.comet.throttling import retry_after
from zenml_comet_tracker.comet.transport.answers import json_object, server_message
from zenml_comet_tracker.comet.transport.sessions import (
    POOL_SIZE,
    READ_RETRIES,
    Adapter,
    ProvingAdapter,
    Session,
    read_retries,
)
from zenml_comet_tracker.comet.transport.ways import Way, stage_of, way_to
from zenml_comet_tracker.comet.transport.ways import is_loopback as is_loopback

logger = logging.getLogger(__name__)

REST = "api/rest/v2/"
CLIENTLIB = "clientlib/"
CLIENTLIB_REST = "clientlib/rest/v2/"

JSON_TYPE = "application/json;charset=utf-8"

# Below this, gzip costs more time than the saved bytes are worth; on loopback it never pays.
COMPRESS_FROM_BYTES = 2_048
DOWNLOAD_CHUNK = 1 << 20
# Up to here a file is put into its request as it is; above, an encoder that reads it piece by piece earns its cost.
WHOLE_UPLOAD_BYTES = 256 << 10
MAX_TEMPLATES = 100

# Below requests' own errors: a header that cannot be encoded, a certificate file that is not there, a pool just closed.
FOREIGN_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
    OverflowError,
)


@dataclass(frozen=True)
class TransportOptions:
    """How to reach the root: time limits in seconds, TLS, extra headers, whether what would write is refused here, and
    how often a read without an answer is repeated."""

    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    upload_timeout: float = 900.0
    verify: bool | str = True
    headers: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    read_retries: int = READ_RETRIES


class Transport:
    """One connection pool to one Comet root. Any number of threads may use it; eight find a connection of their own.

    What the environment says of proxies and certificates is read once, when it is made. `close` may be called while
    others still use it, who then get a `ConnectionFailedError` or a connection anew. `requests` counts what was sent.

    >>> Transport("http://127.0.0.1:5000/", "key").root
    'http://127.0.0.1:5000'
    """

    def __init__(self, root: str, api_key: str, options: TransportOptions | None = None) -> None:
        self.root = root.rstrip("/")
        self.requests = 0
        # Said by an owner whose requests are all through.
        self.release: Callable[[], None] = self.close
        self._options = options or TransportOptions()
        self._loopback = is_loopback(self.root)
        self._session = Session(api_key, self._options.headers)
        # Shorter ones are no secrets, and stand in ordinary words.
        self._secrets = [text for text in (api_key, *self._options.headers.values()) if len(text) >= 6]
        # A proxy of the environment is meant for the world outside, and .netrc for other hosts.
        self._session.trust_env = not self._loopback
        retries = read_retries(self._options.read_retries)
        adapter = Adapter(max_retries=retries, pool_maxsize=POOL_SIZE)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter)
        if self._loopback and proof.is_provable(api_key):
            limit = self._options.read_timeout
            proving = ProvingAdapter(api_key, limit, max_retries=retries, pool_maxsize=POOL_SIZE)
            self._session.mount(f"{self.root}/", proving)
        # Explicit, because what is only set on the session loses against REQUESTS_CA_BUNDLE.
        verify = None if self._options.verify is True else self._options.verify
        self._environment = dict[str, Any](self._session.merge_environment_settings(self.root, {}, None, verify, None))
        self._templates: dict[str, requests.PreparedRequest] = {}
        # urllib3 locks a pool to close it.
        forks.keep(self)

    def __repr__(self) -> str:
        return f"Transport({self.root!r})"

    @property
    def way(self) -> Way:
        """Where its connections go first."""
        return way_to(self.root, self._environment)

    def close(self) -> None:
        """Closes the pooled connections."""
        self._session.close()

    def get_json(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The JSON object that GET `path` answers with."""
        return json_object(f"GET {path}", self._get(path, params))

    def get_bytes(self, path: str, params: Mapping[str, Any] | None = None) -> bytes:
        """The raw body that GET `path` answers with."""
        return bytes(self._get(path, params).content)

    def response(
        self, path: str, params: Mapping[str, Any] | None = None, *, stream: bool = False
    ) -> requests.Response:
        """The HTTP library's own answer to GET `path`; with `stream` its body is still to be read, and to be closed."""
        return self._get(path, params, stream=stream)

    def download(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[bytes]:
        """The raw body of GET `path` in pieces of at most 1 MiB, so that it is never whole in memory."""
        yield from self._pieces(f"GET {path}", self._get(path, params, stream=True))

    def download_from(self, path: str, params: Mapping[str, Any] | None, start: int) -> tuple[int, Iterator[bytes]]:
        """As `download`, from the byte `start` on; or from 0, which is said, where the server sends the whole."""
        # As it lies on the server: of a compressed body neither the place nor the size would be the file's.
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
        response = self._get(path, params, stream=True, headers=headers)
        said = response.headers.get("Content-Range", "")
        begin = start if response.status_code == 206 and said.startswith(f"bytes {start}-") else 0
        return begin, self._pieces(f"GET {path}", response)

    def _pieces(self, what: str, response: requests.Response) -> Iterator[bytes]:
        with self._translated(what), response:
            yield from response.iter_content(DOWNLOAD_CHUNK)

    def _get(
        self,
        path: str,
        params: Mapping[str, Any] | None,
        *,
        stream: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        what = f"GET {path}"
        with self._translated(what):
            request = requests.Request("GET", f"{self.root}/{path}", params=_drop_unset(params), headers=headers)
            prepared = self._session.prepare_request(request)
        return self._send(what, prepared, self._options.read_timeout, stream=stream)

    def post_json(
        self,
        path: str,
        body: Any,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The JSON object that POST `path` with a JSON body answers with; `{}` for an empty answer."""
        return self.post_bytes(path, _json(body), headers=headers, params=params)

    def post_for_bytes(self, path: str, body: Any) -> bytes:
        """The raw body that POST `path` with a JSON body answers with."""
        sent = {"Content-Type": JSON_TYPE}
        return bytes(self._posted(path, None, _json(body), sent, self._options.read_timeout).content)

    def put_json(self, path: str, body: Any, *, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON object that PUT `path` with a JSON body answers with; `{}` for an empty answer."""
        what, data = f"PUT {path}", _json(body)
        with self._translated(what):
            sent_headers = {"Content-Type": JSON_TYPE, **(headers or {})}
            request = requests.Request("PUT", f"{self.root}/{path}", data=data, headers=sent_headers)
            prepared = self._session.prepare_request(request)
        return json_object(what, self._send(what, prepared, self._options.read_timeout))

    def post_bytes(
        self,
        path: str,
        data: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """As `post_json`, with a body that is JSON already."""
        sent_headers = {"Content-Type": JSON_TYPE, **(headers or {})}
        if len(data) >= COMPRESS_FROM_BYTES and not self._loopback:
            data = gzip.compress(data, 1)
            sent_headers["Content-Encoding"] = "gzip"
        return self._post(path, params, data, sent_headers, self._options.read_timeout)

    def upload(
        self,
        path: str,
        params: Mapping[str, Any],
        stream: BinaryIO,
        *,
        file_name: str,
        metadata: str | None = None,
        headers: Mapping[str, str] | None = None,
        part: str = "file",
        texts: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The answer to a multipart upload of a seekable stream, which is read while it is sent if it is large.

        The file is the part `part`; `texts` go beside it, as `metadata` does.
        """
        kind = mimetypes.guess_type(file_name)[0] or "application/octet-stream"
        more = {**(texts or {}), **({} if metadata is None else {"metadata": metadata})}
        whole = stream.read(WHOLE_UPLOAD_BYTES + 1)
        body: bytes | MultipartEncoder
        if len(whole) <= WHOLE_UPLOAD_BYTES:
            body, content_type = encode_multipart_formdata({part: (file_name, whole, kind), **more})
        else:
            body = MultipartEncoder({part: (file_name, SteadyStream(stream), kind), **more})
            content_type = body.content_type
        sent_headers = {"Content-Type": content_type, **(headers or {})}
        return self._post(path, params, body, sent_headers, self._options.upload_timeout)

    def post_form(
        self,
        path: str,
        params: Mapping[str, Any],
        texts: Mapping[str, str],
        *,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The answer to a multipart form of texts without a file: the `link` of a remote asset, say."""
        body, content_type = encode_multipart_formdata(dict(texts))
        return self._post(
            path, params, body, {"Content-Type": content_type, **(headers or {})}, self._options.read_timeout
        )

    def _post(
        self,
        path: str,
        params: Mapping[str, Any] | None,
        body: bytes | MultipartEncoder,
        headers: Mapping[str, str],
        limit: float,
    ) -> dict[str, Any]:
        return json_object(f"POST {path}", self._posted(path, params, body, headers, limit))

    def _posted(
        self,
        path: str,
        params: Mapping[str, Any] | None,
        body: bytes | MultipartEncoder,
        headers: Mapping[str, str],
        limit: float,
    ) -> requests.Response:
        what = f"POST {path}"
        with self._translated(what):
            prepared = self._prepared_post(path, params, body, headers)
        return self._send(what, prepared, limit)

    def _prepared_post(
        self, path: str, params: Mapping[str, Any] | None, body: bytes | MultipartEncoder, headers: Mapping[str, str]
    ) -> requests.PreparedRequest:
        # Preparing a request takes longer than sending it, and from one to the next only this much differs.
        template = self._templates.get(path)
        if template is None:
            template = self._session.prepare_request(requests.Request("POST", f"{self.root}/{path}"))
            if len(self._templates) >= MAX_TEMPLATES:  # Some paths hold the id of an experiment or a model.
                self._templates.clear()
            self._templates[path] = template
        prepared = template.copy()
        if query := urlencode(_drop_unset(params)):
            prepared.url = f"{template.url}?{query}"
        prepared.headers.update(headers)
        prepared.headers["Content-Length"] = str(len(body) if isinstance(body, bytes) else body.len)
        prepared.body = body
        return prepared

    def _send(
        self, what: str, prepared: requests.PreparedRequest, limit: float, *, stream: bool = False
    ) -> requests.Response:
        if self._options.read_only and _writes(what):
            raise errors.ReadOnlyError(what)
        self.requests += 1
        started = time.monotonic()
        with self._translated(what):
            # A redirected write would arrive as a GET, or with the key elsewhere: only reads follow.
            response = self._session.send(
                prepared,
                **{**self._environment, "stream": stream},
                timeout=(self._options.connect_timeout, limit),
                allow_redirects=prepared.method == "GET",
            )
            if logger.isEnabledFor(logging.DEBUG):
                asked, took = self._redact(f"{prepared.method} {prepared.url}"), (time.monotonic() - started) * 1000
                logger.debug("%s: status %d after %.0f ms", asked, response.status_code, took)
            if not 200 <= response.status_code < 300:
                raise self._status_error(what, response)
        return response

    @contextlib.contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        """The one place where foreign errors become ours."""
        try:
            yield
        except FOREIGN_ERRORS as error:
            cause = self._redact(_cause(error))
            logger.debug("%s to %s: no answer: %s", what, self.root, cause)
            text = f"{what} to {self.root} got no answer: {cause}"
            raise errors.ConnectionFailedError(text, stage=stage_of(error)) from None

    def _status_error(self, what: str, response: requests.Response) -> errors.StatusError:
        message, code = server_message(response)
        if 300 <= response.status_code < 400:
            message = f"a redirect to {response.headers.get('Location', 'nowhere')}; set the URL to where the server is"
        message = self._redact(message)
        if response.status_code == 429:
            return errors.ThrottledError(what, retry_after=retry_after(response.headers), server_message=message)
        return errors.from_status(what, response.status_code, sdk_error_code=code, server_message=message)

    def _redact(self, text: str) -> str:
        """The text without the key and the extra headers' values, in case somebody quotes them."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def open_transport(settings: ResolvedSettings, *, read_only: bool = False, patience: float | None = None) -> Transport:
    """A transport as the settings want it; with `patience` none that waits longer, in seconds, or asks twice."""
    read_timeout = settings.timeout or TransportOptions.read_timeout
    options = TransportOptions(
        connect_timeout=min(TransportOptions.connect_timeout, patience or TransportOptions.connect_timeout),
        read_timeout=min(read_timeout, patience or read_timeout),
        read_retries=0 if patience else READ_RETRIES,
        verify=settings.custom_ca_bundle or settings.check_tls_certificate,
        headers=settings.extra_headers,
        read_only=read_only,
    )
    return Transport(settings.root, settings.api_key, options)


def _writes(what: str) -> bool:
    """Whether a request changes something: Comet's documented paths say so, whatever the method."""
    method, _, path = what.partition(" ")
    return "/write/" in path or (method != "GET" and path.startswith(CLIENTLIB))


def _json(body: Any) -> bytes:
    """The body as it is sent; `InvalidArgumentError` when something in it has no form in JSON."""
    try:
        return orjson.dumps(body)
    except TypeError as error:
        raise errors.InvalidArgumentError(f"One of the arguments cannot be sent as JSON: {error}") from None


def _drop_unset(params: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (params or {}).items() if value is not None}


def _cause(error: BaseException) -> str:
    """The innermost reason of a chain of wrapped errors, in one line."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    text = " ".join(str(cause).split()) or type(cause).__name__
    return text[:300]
