"""One module per REST resource: endpoint, fields and shapes, nothing else.

Every write takes `headers`: with them the local server recognises what it has already stored.
"""

from __future__ import annotations

from collections.abc import Mapping

Headers = Mapping[str, str] | None
