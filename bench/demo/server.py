"""Opening the page: a server on this machine, the visitors' pictures out of memory, nothing left behind."""

from __future__ import annotations

import atexit
import io
import os
import shutil
import signal
import tempfile
import time
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.demo.fills import Engine, pasted
from bench.demo.saved import hole_png, save_png
from bench.demo.uploads import MOST_BYTES, sweep
from bench.demo.visitor import Visitor, Visitors
from bench.demo.window import paint_shape, shown, touched
from bench.util.errors import BenchError, UsageError
from bench.util.progress import say

LargeView = Callable[[Visitor, Engine], str]
"""Makes the page that compares a visitor's fills: HTML."""

WAIT_S = 60.0
"""What was handed in and not read after that long is removed when somebody leaves."""


@dataclass
class Demo:
    """A page that is being served. Close it with :meth:`close`."""

    address: str
    blocks: Any
    uploads: Path
    visitors: Visitors

    def wait(self) -> None:
        """Serve until Ctrl-C."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass
        finally:
            self.close()

    def close(self) -> None:
        """Stop the server and delete what was uploaded."""
        self.blocks.close(verbose=False)
        shutil.rmtree(self.uploads, ignore_errors=True)


def open_demo(
    engine: Engine,
    large_view: LargeView,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    share: bool = False,
    inline: bool = False,
    browser: bool = False,
) -> Demo:
    """Serve the page. port: None takes a free one. inline: show it in the notebook that calls.

    Raises UsageError where Gradio is not installed or the port is taken.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    try:
        import gradio  # noqa: F401
    except ImportError as error:
        raise UsageError("the demo needs Gradio: pip install 'inpaint-bench[demo]'") from error
    uploads = Path(tempfile.mkdtemp(prefix="inpaint-bench-demo-"))
    # For notebooks too, where nobody waits for the end.
    atexit.register(shutil.rmtree, uploads, ignore_errors=True)
    # Read when components are made: handed-in files lie in a folder that goes with the page.
    os.environ["GRADIO_TEMP_DIR"] = str(uploads)
    from bench.demo.page import Page, build
    from bench.demo.theme import FRAME, asset, theme

    visitors = Visitors(lambda empty: sweep(uploads, 0 if empty else WAIT_S))
    blocks = build(Page(engine, visitors, uploads))
    try:
        _, local, public = blocks.queue(default_concurrency_limit=1, api_open=False).launch(
            server_name=host, server_port=port, share=share, inline=inline, quiet=True, prevent_thread_lock=True,
            theme=theme(), css=asset("page.css"), head=FRAME, footer_links=[], run_history=False, ssr_mode=False,
            mcp_server=False, enable_monitoring=False, max_file_size=MOST_BYTES, show_error=False, height=980,
            app_kwargs={"routes": routes(visitors, engine, large_view)},
        )  # fmt: skip
    except OSError as error:
        shutil.rmtree(uploads, ignore_errors=True)
        raise UsageError(f"no page can be served at {host}:{port or ''}: {error}") from error
    if share and not public:
        raise BenchError("no public link could be made: this needs internet access")
    address = public or local
    if browser and not webbrowser.open(address):
        say(f"no browser can be opened here: open {address} yourself")
    return Demo(address, blocks, uploads, visitors)


def routes(visitors: Visitors, engine: Engine, large_view: LargeView) -> list[Any]:
    """Where the page finds a visitor's pictures: under a secret that only this visitor's page knows."""
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    def serve(request: Request) -> Response:
        visitor = visitors.by_token(request.path_params["token"])
        what = request.path_params["what"]
        found = None
        if visitor is not None:
            with visitor.lock:
                found = answer(visitor, what, engine, large_view)
        if found is None:
            return Response("This is no longer available.", status_code=404, media_type="text/plain")
        kind, body = found
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
        if what in ("save.png", "hole.png"):
            assert visitor is not None
            stem = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in Path(visitor.name).stem)
            end = "hole" if what == "hole.png" else "filled"
            headers["Content-Disposition"] = f'attachment; filename="{stem or "picture"}-{end}.png"'
        return Response(body, media_type=kind, headers=headers)

    return [Route("/visitor/{token}/{what}", serve)]


def answer(visitor: Visitor, what: str, engine: Engine, large_view: LargeView) -> tuple[str, bytes] | None:
    """(media type, content) of one thing of a visitor; None where there is none."""
    picture, hole = visitor.picture, visitor.hole
    if picture is None:
        return None
    if what == "picture.png":
        return "image/png", png(shown(picture))
    if what == "save.png":
        result = visitor.result()
        return ("image/png", save_png(*result)) if result else None
    if hole is None:
        return None
    if what == "hole.png":
        return "image/png", hole_png(hole)
    if what == "hole-shown.png":
        return "image/png", hole_png(touched(hole, paint_shape(hole.shape)))
    if what == "large.html":
        return "text/html", large_view(visitor, engine).encode()
    kind, _, rest = what.removesuffix(".png").partition("-")
    place, _, corrected = rest.partition("-")
    if kind == "fill" and place.isdecimal() and int(place) < len(visitor.fills):
        found = pasted(picture, hole, visitor.fills[int(place)], corrected == "1")
        return ("image/png", png(shown(found))) if found is not None else None
    return None


def png(picture: np.ndarray) -> bytes:
    """Quickly rather than small: it goes over this machine alone."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", compress_level=1)
    return stream.getvalue()
