"""Whom the server knows: the API key in the data folder's file, named keys, signed-in browsers, sign-in codes."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
import threading

from zenml_comet_tracker.local import folder
from zenml_comet_tracker.local.clock import Clock
from zenml_comet_tracker.local.store import keys, sessions
from zenml_comet_tracker.local.store.store import Store

CODE_SECONDS = 60
# The owner's key has no name: it lies in the data folder's file, and it alone gives and takes keys and sessions.
OWNER = ""
_CHALLENGE = re.compile(r"(?P<key>[0-9a-f]{16})\.(?P<nonce>[0-9a-f]{32,128})")

logger = logging.getLogger(__name__)


class SignInCodes:
    """Single-use codes that a browser swaps for a session, good for a minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._expiry: dict[str, int] = {}
        self._lock = threading.Lock()

    def create(self) -> str:
        """A new code."""
        code = secrets.token_urlsafe(32)
        now = self._clock()
        with self._lock:
            self._expiry = {known: expiry for known, expiry in self._expiry.items() if expiry > now}
            self._expiry[code] = now + CODE_SECONDS * 1000
        return code

    def redeem(self, code: str) -> bool:
        """Whether the code is good; it is not any more afterwards."""
        with self._lock:
            expiry = self._expiry.pop(code, 0)
        return expiry > self._clock()

    def clear(self) -> None:
        """Ends all codes."""
        with self._lock:
            self._expiry.clear()


class Gate:
    """What is needed to let someone in: the owner's key and the port, the keys and sessions in the store, the codes."""

    def __init__(self, store: Store, api_key: str, port: int) -> None:
        self.store = store
        self.port = port
        self.codes = SignInCodes(store.clock)
        self._api_key = api_key
        self._noting = threading.Lock()

    @property
    def cookie_name(self) -> str:
        """Cookies know no ports: without ours in the name, two servers would sign each other out."""
        return f"zenml_comet_{self.port}"

    def is_owner(self, given: str) -> bool:
        """Whether this is the owner's key, found in a time that does not tell how much of it is right."""
        return hmac.compare_digest(given.encode(), self._api_key.encode())

    def name_of(self, given: str) -> str | None:
        """The name of the key, `OWNER` for the owner's; None for one that is not good. Notes its use."""
        if self.is_owner(given):
            return OWNER
        if not given.startswith(folder.KEY_PREFIX):
            return None
        with self.store.read() as connection:
            name = keys.name_of(connection, given)
            unnoted = name is not None and keys.unused_today(connection, name, self.store.clock())
        # One thread waits for its turn to write; the others are not to wait with it.
        if name is not None and unnoted and self._noting.acquire(blocking=False):
            try:
                with self.store.write() as transaction:
                    keys.note_use(transaction, name)
            except Exception:
                # A full disk takes no notes, and still reads.
                logger.exception("The use of the key %r could not be noted", name)
            finally:
                self._noting.release()
        return name

    def rotate(self) -> str:
        """A new owner's key, in the file and at once in force. The old one, sessions and codes end."""
        self._api_key = folder.rotate_api_key(self.store.folder)
        self.codes.clear()
        return self._api_key

    def knows_session(self, secret: str) -> bool:
        """Whether this is the cookie of a browser that signed in."""
        with self.store.read() as connection:
            return sessions.is_good(connection, self._bound(secret), self.store.clock())

    def open_session(self) -> str:
        """A new cookie's value. It dies with the owner's key that it was made under."""
        secret = secrets.token_urlsafe(32)
        with self.store.write() as transaction:
            sessions.create(transaction, self._bound(secret))
        return secret

    def proof(self, challenge: str) -> str | None:
        """What only a server at this port that knows the key can answer to the challenge; None when we cannot either.

        A challenge is the first 16 digits of the key's SHA-256, a dot and a nonce. The port is part of what is signed:
        otherwise whoever squats on another one could pass challenges on to us, and our answers back.
        """
        asked = _CHALLENGE.fullmatch(challenge)
        if asked is None:
            return None
        known = self._hash(asked["key"])
        if known is None:
            return None
        signed = f"zenml-comet {self.port} {asked['nonce']}"
        return hmac.new(known.encode(), signed.encode(), hashlib.sha256).hexdigest()

    def _hash(self, beginning: str) -> str | None:
        own = keys.hashed(self._api_key)
        if own.startswith(beginning):
            return own
        with self.store.read() as connection:
            return keys.hash_of(connection, beginning)

    def _bound(self, secret: str) -> str:
        return hmac.new(self._api_key.encode(), secret.encode(), hashlib.sha256).hexdigest()
