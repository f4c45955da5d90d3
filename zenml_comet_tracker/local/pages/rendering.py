"""HTML out of templates. Everything that was logged is escaped: no value is ever marked as safe."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from zenml_comet_tracker.local.pages import colors, formats, static_files

THEME_COOKIE = "zenml_comet_theme"
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 20 20' fill='none' stroke='%234f6fe0' "
    "stroke-width='1.8' stroke-linecap='round'%3E%3Ccircle cx='13.4' cy='6.6' r='4.1' fill='%234f6fe0'/%3E"
    "%3Cpath d='M9.4 8.2 2 17.6M11.8 10.6 6.6 17M8.4 6.6 3 12'/%3E%3C/svg%3E"
)
# What may stand in an address as it is, save the apostrophe.
_OF_ADDRESSES = "/?#[]@!$&()*+,;=:%"


class Link(NamedTuple):
    """A place on this server; without `href` it is only a name."""

    label: str
    href: str = ""


def path(parts: str | Sequence[str]) -> str:
    """The address of a workspace, or of what lies in it, from its names."""
    names = [parts] if isinstance(parts, str) else parts
    return "/" + "/".join(quote(name, safe="") for name in names)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=formats.number,
        duration=formats.duration,
        size=formats.size,
        relative=formats.relative,
        absolute=formats.absolute,
        iso=formats.iso,
        middle=formats.middle,
        color=colors.of,
        path=path,
    )
    environment.globals.update(static=static_files.url, icon=_ICON)
    return environment


_TEMPLATES = _environment()


def page(request: Request, template: str, **values: Any) -> HTMLResponse:
    """A page of the application, in the theme that the reader chose."""
    chosen = request.cookies.get(THEME_COOKIE)
    theme = chosen if chosen in ("light", "dark") else None
    return HTMLResponse(_TEMPLATES.get_template(template).render(theme=theme, **values))


def sign_in_page(root: str, next_path: str, status: int = 401) -> HTMLResponse:
    """What a browser without a session gets: the command that signs it in and leads to `next_path`, where it wanted to
    go, on the server at `root`.
    """
    # A path that a browser could take for another host is not offered.
    own = next_path.startswith("/") and not next_path.startswith(("//", "/\\"))
    # Whoever makes somebody follow a link wrote this: nothing of it may mean anything to a shell, or look like more.
    path = quote(next_path, safe=_OF_ADDRESSES) if own else "/"
    command = f"zenml-comet open {shlex.quote(root + path)}" if path != "/" else "zenml-comet open"
    html = _TEMPLATES.get_template("sign_in.html").render(title="Sign in", next_path=path, command=command)
    return HTMLResponse(html, status_code=status)


def error_page(status: int, title: str, detail: str, near: Sequence[Link | str] = ()) -> HTMLResponse:
    """What went wrong in two sentences, with the places that may have been meant."""
    links = [Link(item, item if item.startswith("/") else "") if isinstance(item, str) else item for item in near]
    html = _TEMPLATES.get_template("error.html").render(title=title, detail=detail, near=links)
    return HTMLResponse(html, status_code=status)
