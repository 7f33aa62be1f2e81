"""The files that pages load: our styles and script, htmx, and Vega for charts.

Under an address that says their content, so that a browser keeps them for good and a new version has a new address.
"""

import functools
import gzip
import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

from fastapi import APIRouter, Request, Response

from api.refusals import not_found

router = APIRouter(include_in_schema=False)
FOLDER = Path(__file__).parent / "static"
KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
FOR_GOOD = "public, max-age=31536000, immutable"
PACKED_FROM = 1000
VEGA = "vega.js"
MAKE_VEGA = (
    "import sys, vl_convert; sys.stdout.buffer.write(vl_convert.javascript_bundle("
    "'window.vegaEmbed = vegaEmbed; window.dispatchEvent(new Event(\"vega-ready\"));').encode())"
)
"""In a process of its own: it takes 125 MB for good in whichever makes it."""


@functools.cache
def content_of(name: str) -> bytes:
    """The bytes of a file by its name. Raises KeyError for one that is none of ours."""
    if name == "htmx.js":
        found = importlib.util.find_spec("js_lib_htmx")
        assert found is not None and found.submodule_search_locations is not None  # a dependency
        return (Path(found.submodule_search_locations[0]) / "static" / "htmx" / "htmx.min.js").read_bytes()
    if name == VEGA:
        return subprocess.run([sys.executable, "-c", MAKE_VEGA], check=True, capture_output=True).stdout
    path = FOLDER / name
    if path.parent != FOLDER or path.suffix not in KINDS or not path.is_file():
        raise KeyError(name)
    return path.read_bytes()


@functools.cache
def _packed(name: str) -> bytes:
    return gzip.compress(content_of(name), 9, mtime=0)


@functools.cache
def version_of(name: str) -> str:
    """Says the content. Vega's is its packages' version: it is not made before it is asked for."""
    if name == VEGA:
        from importlib.metadata import version

        return hashlib.sha256(version("vl-convert-python").encode()).hexdigest()[:12]
    return hashlib.sha256(content_of(name)).hexdigest()[:12]


def asset_url(name: str) -> str:
    """The address of a file."""
    return f"/static/{version_of(name)}/{name}"


@router.get("/static/{version}/{name}")
def asset(version: str, name: str, request: Request) -> Response:
    """A file, kept by the browser for good."""
    try:
        content = content_of(name)
    except KeyError:
        raise not_found() from None
    headers = {"Cache-Control": FOR_GOOD if version == version_of(name) else "no-cache", "Vary": "Accept-Encoding"}
    if len(content) >= PACKED_FROM and "gzip" in request.headers.get("accept-encoding", ""):
        content = _packed(name)
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type=KINDS[Path(name).suffix], headers=headers)


@router.get("/favicon.ico")
def favicon() -> Response:
    """The mark that browsers ask for by themselves."""
    return Response(content_of("mark.svg"), media_type=KINDS[".svg"], headers={"Cache-Control": "max-age=86400"})
