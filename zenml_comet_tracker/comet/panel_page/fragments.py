"""HTML for what scripts show: figures, pictures, tables, markdown, JSON, HTML of their own, text.

Only `html` and `markdown` with tags in it may run scripts, in a frame that reaches neither the page nor the network;
everything else is escaped. Each function imports the library of the value that it got, which is loaded already.
"""

from __future__ import annotations

import base64
import io
import itertools
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

# The frame tells how tall its content is: the page cannot look into it.
_FRAME_END = (
    "<script>(()=>{const tell=()=>parent.postMessage({height:document.documentElement.offsetHeight},'*');"
    "new ResizeObserver(tell).observe(document.documentElement);addEventListener('load',tell)})()</script>"
)
_FRAME_BEGIN = (
    "<!doctype html><meta charset=utf-8><style>body{margin:0;color:#1b1d22;font:14px/1.5 system-ui,sans-serif}"
    "body>:first-child{margin-top:0}body>:nth-last-child(2){margin-bottom:0}</style>"
)
_ROWS = 1_000
_TAG = re.compile(r"<[a-zA-Z!/][^>]*>")
_SIGNATURES = {b"\x89PNG": "png", b"\xff\xd8": "jpeg", b"GIF8": "gif", b"RIFF": "webp", b"<svg": "svg+xml"}


def of(value: Any, format: str | None = None, **options: Any) -> str:
    """The HTML of any value; `format` says how it is meant: html, markdown, text, json, or one of image formats."""
    if format in _BY_FORMAT:
        return _BY_FORMAT[format](value)
    if isinstance(value, str):
        return markdown(value)
    if isinstance(value, (dict, list, tuple)):
        return as_json(value)
    if _is_pyplot(value) or _named(value, "matplotlib", "savefig"):
        return matplotlib(value)
    if _named(value, "plotly", "to_plotly_json"):
        return plotly(value, **options)
    if isinstance(value, (bytes, bytearray)) or _named(value, "PIL", "save") or format is not None:
        return image(value, format)
    if _named(value, "pandas", "to_html"):
        return table(value)
    if _named(value, "pandas", "to_frame"):
        return table(value.to_frame())
    if callable(getattr(value, "_repr_html_", None)):
        return html(value._repr_html_())
    return text(str(value))


def text(value: Any) -> str:
    """Plain text, with its line breaks."""
    return f'<p class="text">{escape(str(value))}</p>'


def code(value: Any) -> str:
    """Text in a fixed width."""
    return f"<pre>{escape(str(value))}</pre>"


def html(value: Any) -> str:
    """HTML of the script's own, in a frame that cannot reach the page, other files or the network."""
    source = f"{_FRAME_BEGIN}{value}{_FRAME_END}"
    return f'<iframe sandbox="allow-scripts allow-popups" title="HTML" srcdoc="{escape(source)}"></iframe>'


def markdown(value: Any, *, with_html: bool = True) -> str:
    """Markdown with tables; with HTML in it, it goes where HTML goes, or without `with_html` its tags are shown."""
    from markdown_it import MarkdownIt

    source = str(value)
    with_tags = with_html and _TAG.search(source) is not None
    rendered = MarkdownIt("commonmark", {"html": with_tags}).enable(["table", "strikethrough"]).render(source)
    return html(rendered) if with_tags else f'<div class="markdown">{rendered}</div>'


def as_json(value: Any) -> str:
    """JSON, indented; a text is taken for JSON where it is, and what JSON cannot say is shown as Python does."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return code(value)
    try:
        return code(json.dumps(value, indent=2, default=str, ensure_ascii=False))
    except (TypeError, ValueError):
        # Keys that are no texts, or a value that holds itself.
        return code(repr(value))


def table(frame: Any) -> str:
    """A table of a pandas frame, or of rows that pandas takes for one; its first thousand rows."""
    import pandas

    if not isinstance(frame, pandas.DataFrame):
        if callable(getattr(frame, "to_html", None)):
            return html(frame.to_html())
        frame = pandas.DataFrame(frame)
    rows = len(frame)
    shown = _aligned(frame, frame.head(_ROWS).to_html(border=0, classes="frame", escape=True))
    note = f'<p class="note">The first {_ROWS:,} of {rows:,} rows.</p>' if rows > _ROWS else ""
    return f'<div class="scroll">{shown}</div>{note}'


def _aligned(frame: Any, table: str) -> str:
    """The table with its texts on the left, as numbers are on the right."""
    numeric = [dtype.kind in "biufcM" for dtype in frame.dtypes]
    cells = itertools.cycle(numeric)
    table = re.sub("<td>", lambda _: "<td>" if next(cells) else '<td class="words">', table)
    if frame.columns.nlevels > 1:
        return table
    heads = itertools.chain([True] * frame.index.nlevels, numeric)
    return re.sub("<th>", lambda _: "<th>" if next(heads, True) else '<th class="words">', table)


def matplotlib(figure: Any) -> str:
    """A picture of a matplotlib figure as it is now; of `pyplot`, its current one."""
    if _is_pyplot(figure):
        figure = figure.gcf()
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=160, bbox_inches="tight")
    # Drawn at 160 dots an inch and shown at 100, so that it is sharp on fine screens.
    return _picture(stream.getvalue(), "png", scale=100 / 160)


def plotly(figure: Any, **options: Any) -> str:
    """A plotly figure that can be zoomed and read; the page brings plotly.js once."""
    import plotly.io

    config = {"responsive": True, "displaylogo": False, **options.get("config", {})}
    height = figure.layout.height or 450
    drawn = plotly.io.to_html(
        figure, config=config, include_plotlyjs=False, full_html=False, default_height=f"{height}px"
    )
    return f'<div class="plotly">{drawn}</div>'


def image(value: Any, format: str | None = None, width: int | None = None) -> str:
    """A picture: of PIL, an array, bytes, or a file; `width` in pixels."""
    if isinstance(value, (str, os.PathLike)):
        value = Path(value).read_bytes()
    if isinstance(value, io.IOBase):
        value = value.read()
    if isinstance(value, (bytes, bytearray)):
        data = bytes(value)
        kind = next((kind for start, kind in _SIGNATURES.items() if data.startswith(start)), format or "png")
        return _picture(data, kind.lower(), width=width)
    if not callable(getattr(value, "save", None)):
        value = _from_array(value)
    kind = (format or "png").lower().replace("jpg", "jpeg")
    stream = io.BytesIO()
    value.save(stream, kind)
    return _picture(stream.getvalue(), kind, width=width)


def _from_array(value: Any) -> Any:
    """A PIL picture of an array: whole numbers of 0 to 255, or shares of 0 to 1."""
    import numpy
    from PIL import Image

    array = numpy.asarray(value)
    if array.dtype.kind == "f":
        array = (array.clip(0, 1) * 255).round()
    return Image.fromarray(array.astype("uint8"))


def _picture(data: bytes, kind: str, *, width: int | None = None, scale: float | None = None) -> str:
    if scale is not None:
        # The width of a PNG stands in its header.
        width = round(int.from_bytes(data[16:20], "big") * scale)
    size = f' width="{int(width)}"' if width else ""
    return f'<img alt=""{size} src="data:image/{escape(kind)};base64,{base64.b64encode(data).decode()}">'


def _is_pyplot(value: Any) -> bool:
    return value is not None and value is sys.modules.get("matplotlib.pyplot")


def _named(value: Any, library: str, method: str) -> bool:
    """Whether a value's class, or a base of it, comes from a library and has a method."""
    return callable(getattr(value, method, None)) and any(
        base.__module__.partition(".")[0] == library for base in type(value).__mro__
    )


_BY_FORMAT: Mapping[str | None, Callable[[Any], str]] = {
    "html": html,
    "markdown": markdown,
    "text": text,
    "json": as_json,
    "code": code,
}
