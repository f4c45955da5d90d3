"""Nothing that is played reaches another machine: no connection, no question to a name server."""

from __future__ import annotations

import sys

# A port on which nobody listens: "discard", which needs a privileged process.
NOBODY = 9
_LOCAL = {"127.0.0.1", "::1", "localhost", "", "0.0.0.0", "None"}
refused: list[str] = []


def close() -> None:
    """From here on this process speaks to the machine itself alone; `refused` lists what was tried."""
    sys.addaudithook(_refuse)


def variables() -> dict[str, str]:
    """The same for child processes that are not Python: a proxy that is not there, telemetry switched off."""
    nowhere = f"http://127.0.0.1:{NOBODY}"
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "grpc_proxy"), nowhere)
    return {
        **proxies,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "DO_NOT_TRACK": "true",
        "ZENML_ANALYTICS_OPT_IN": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "WANDB_MODE": "offline",
        "WANDB_ERROR_REPORTING": "false",
        "WEAVE_DISABLED": "true",
        "NEPTUNE_MODE": "debug",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_GCE_CHECK": "true",
        "GCE_METADATA_HOST": f"127.0.0.1:{NOBODY}",
    }


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = str(address[0]) if isinstance(address, tuple) else "localhost"
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = str(arguments[0])
    else:
        return
    if host not in _LOCAL:
        refused.append(host)
        raise OSError(f"{host} is another machine")
