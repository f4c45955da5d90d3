"""Requests to one Comet root with one API key: request in, decoded answer or one of our errors out.

The only module that imports an HTTP library.
"""

from __future__ import annotations

import gzip
import ipaddress
import mimetypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import orjson
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests_toolbelt import MultipartEncoder
from urllib3.util.retry import Retry

from zenml_comet_tracker import __version__
from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.settings import ResolvedSettings

REST = "api/rest/v2/"
CLIENTLIB = "clientlib/"
CLIENTLIB_REST = "clientlib/rest/v2/"

JSON_TYPE = "application/json;charset=utf-8"
USER_AGENT = f"zenml-comet-tracker/{__version__} python-requests/{requests.__version__}"

# Below this, gzip costs more time than the saved bytes are worth; on loopback it never pays.
COMPRESS_FROM_BYTES = 2_048
# What Comet's own client waits on a 429 that names no time.
DEFAULT_RETRY_AFTER = 60.0
DOWNLOAD_CHUNK = 1 << 20


@dataclass(frozen=True)
class TransportOptions:
    """How to reach the root: time limits in seconds, TLS, extra headers."""

    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    upload_timeout: float = 900.0
    verify: bool | str = True
    headers: Mapping[str, str] = field(default_factory=dict)


class _ApiKey(AuthBase):
    """Sets the raw key. As an auth object it cannot be replaced by `.netrc`, and is dropped on a change of host."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._key
        return request


def is_loopback(root: str) -> bool:
    """Whether the root names this machine."""
    host = urlsplit(root).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class Transport:
    """One connection pool to one Comet root. Not for several threads at once: give each its own.

    >>> Transport("http://127.0.0.1:5000/", "key").root
    'http://127.0.0.1:5000'
    """

    def __init__(self, root: str, api_key: str, options: TransportOptions | None = None) -> None:
        self.root = root.rstrip("/")
        self._options = options or TransportOptions()
        self._loopback = is_loopback(self.root)
        self._session = requests.Session()
        self._session.auth = _ApiKey(api_key)
        # Shorter ones are no secrets, and stand in ordinary words.
        self._secrets = [text for text in (api_key, *self._options.headers.values()) if len(text) >= 6]
        self._session.headers.update({"User-Agent": USER_AGENT, **self._options.headers})
        if self._loopback:
            # A proxy of the environment is meant for the world outside, and .netrc for other hosts.
            self._session.trust_env = False
        retries = Retry(
            total=3,
            # urllib3 would repeat a refused connection whatever the method, and hold a delivery up for seconds.
            connect=0,
            backoff_factor=0.3,
            status_forcelist=(500, 502, 503, 504),
            allowed_methods=frozenset({"GET"}),
            raise_on_status=False,
            respect_retry_after_header=False,
        )
        self._reads = HTTPAdapter(max_retries=retries)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, self._reads)

    def __repr__(self) -> str:
        return f"Transport({self.root!r})"

    def close(self) -> None:
        """Closes the pooled connections."""
        self._session.close()

    def get_json(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The JSON object that GET `path` answers with."""
        what = f"GET {path}"
        response = self._send(what, "GET", path, params=_drop_unset(params), timeout=self._read_limits())
        return _json_object(what, response)

    def get_bytes(self, path: str, params: Mapping[str, Any] | None = None) -> bytes:
        """The raw body that GET `path` answers with."""
        what = f"GET {path}"
        return self._send(what, "GET", path, params=_drop_unset(params), timeout=self._read_limits()).content

    def download(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[bytes]:
        """The raw body of GET `path` in pieces of at most 1 MiB, so that it is never whole in memory."""
        what = f"GET {path}"
        response = self._send(what, "GET", path, params=_drop_unset(params), timeout=self._read_limits(), stream=True)
        try:
            yield from response.iter_content(DOWNLOAD_CHUNK)
        except requests.RequestException as error:
            raise errors.ConnectionFailedError(f"{what} was cut: {error}") from error
        finally:
            response.close()

    def post_json(
        self,
        path: str,
        body: Any,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The JSON object that POST `path` with a JSON body answers with; `{}` for an empty answer."""
        what = f"POST {path}"
        data = orjson.dumps(body)
        sent_headers = {"Content-Type": JSON_TYPE, **(headers or {})}
        if len(data) >= COMPRESS_FROM_BYTES and not self._loopback:
            data = gzip.compress(data, 1)
            sent_headers["Content-Encoding"] = "gzip"
        response = self._send(
            what,
            "POST",
            path,
            data=data,
            headers=sent_headers,
            params=_drop_unset(params),
            timeout=self._read_limits(),
            allow_redirects=False,
        )
        return _json_object(what, response)

    def upload(
        self,
        path: str,
        params: Mapping[str, Any],
        file: Path,
        *,
        file_name: str,
        metadata: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The answer to a multipart upload of `file`, read from disk while it is sent."""
        with file.open("rb") as stream:
            return self._post_multipart(path, params, _parts(stream, file_name, metadata), headers)

    def _post_multipart(
        self, path: str, params: Mapping[str, Any], parts: dict[str, Any], headers: Mapping[str, str] | None
    ) -> dict[str, Any]:
        what = f"POST {path}"
        encoder = MultipartEncoder(parts)
        response = self._send(
            what,
            "POST",
            path,
            data=encoder,
            headers={"Content-Type": encoder.content_type, **(headers or {})},
            params=_drop_unset(params),
            timeout=(self._options.connect_timeout, self._options.upload_timeout),
            allow_redirects=False,
        )
        return _json_object(what, response)

    def _read_limits(self) -> tuple[float, float]:
        return self._options.connect_timeout, self._options.read_timeout

    def _send(self, what: str, method: str, path: str, **arguments: Any) -> requests.Response:
        # Said with each request: what is only set on the session loses against REQUESTS_CA_BUNDLE.
        verify = None if self._options.verify is True else self._options.verify
        try:
            response = self._session.request(method, f"{self.root}/{path}", verify=verify, **arguments)
        except requests.RequestException as error:
            cause = self._redact(_cause(error))
            raise errors.ConnectionFailedError(f"{what} to {self.root} got no answer: {cause}") from None
        except (OSError, ValueError, OverflowError) as error:
            # Below the library's own errors: a header that cannot be encoded, a certificate file that is not there.
            cause = self._redact(str(error))
            raise errors.ConnectionFailedError(f"{what} to {self.root} could not be sent: {cause}") from None
        if 200 <= response.status_code < 300:
            return response
        raise self._status_error(what, response)

    def _status_error(self, what: str, response: requests.Response) -> errors.StatusError:
        message, code = _server_message(response)
        message = self._redact(message)
        if response.status_code == 429:
            return errors.ThrottledError(what, retry_after=_retry_after(response), server_message=message)
        if 300 <= response.status_code < 400:
            message = f"a redirect to {response.headers.get('Location', 'nowhere')}; set the URL to where the server is"
        return errors.from_status(what, response.status_code, sdk_error_code=code, server_message=message)

    def _redact(self, text: str) -> str:
        """The text without the key and the extra headers' values, in case somebody quotes them."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def open_transport(settings: ResolvedSettings) -> Transport:
    """A transport as the settings want it."""
    options = TransportOptions(
        read_timeout=settings.timeout or TransportOptions.read_timeout,
        verify=settings.custom_ca_bundle or settings.check_tls_certificate,
        headers=settings.extra_headers,
    )
    return Transport(settings.root, settings.api_key, options)


def _drop_unset(params: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (params or {}).items() if value is not None}


def _parts(stream: BinaryIO, file_name: str, metadata: str | None) -> dict[str, Any]:
    kind = mimetypes.guess_type(file_name)[0] or "application/octet-stream"
    parts: dict[str, Any] = {"file": (file_name, stream, kind)}
    if metadata is not None:
        parts["metadata"] = metadata
    return parts


def _cause(error: requests.RequestException) -> str:
    """The innermost reason of a chain of wrapped network errors, in one line."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    text = " ".join(str(cause).split()) or type(cause).__name__
    return text[:300]


def _json_object(what: str, response: requests.Response) -> dict[str, Any]:
    if not response.content:
        return {}
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        kind = response.headers.get("Content-Type", "no content type")
        raise errors.BrokenAnswerError(
            f"{what} was answered with status {response.status_code} but not with JSON ({kind}, "
            f"{len(response.content)} bytes); is a proxy or a sign-in page in between?"
        ) from error
    if not isinstance(answer, dict):
        raise errors.BrokenAnswerError(f"{what} was answered with a JSON {type(answer).__name__}, not an object")
    return answer


def _server_message(response: requests.Response) -> tuple[str, int]:
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return "", 0
    if not isinstance(body, dict):
        return "", 0
    code = body.get("sdk_error_code")
    return str(body.get("msg") or "")[:500], code if isinstance(code, int) else 0


def _retry_after(response: requests.Response) -> float:
    for header in ("Retry-After-Custom", "Retry-After"):
        try:
            return max(0.0, float(response.headers[header]))
        except (KeyError, ValueError):
            continue
    return DEFAULT_RETRY_AFTER
