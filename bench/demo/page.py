"""The page: Gradio components, and what happens at each event. Imported only where a page is opened.

Every event works on the visitor whose page it came from; what it gives back is all that may have changed.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from bench.demo import cards
from bench.demo.fills import Engine
from bench.demo.samples import names, sample
from bench.demo.saved import Made, read_hole_png, read_steps
from bench.demo.theme import asset, editor_html
from bench.demo.uploads import MOST_BYTES, discard, inside, read_hole, read_upload, short
from bench.demo.visitor import Visitor, Visitors
from bench.demo.window import hole_to, paint_shape
from bench.masks.registry import draw, mask
from bench.util.errors import BenchError, UsageError
from bench.util.words import counted
from variants.errors import VariantError

SIZES = (64, 128, 256, 512)
"""Sides, in pixels, that a visitor may have holes filled at."""
MOST_STROKES = 2**24
"""Characters of a painted hole that are looked at."""


class Page:
    """The handlers of one page's events. uploads: where Gradio puts what is handed in."""

    def __init__(self, engine: Engine, visitors: Visitors, uploads: Path) -> None:
        self.engine, self.visitors, self.uploads = engine, visitors, uploads

    # -- what each event does -------------------------------------------------------------------------

    def arrive(self, request: gr.Request) -> list[Any]:
        """A new visitor, or a reload: the first sample is opened where there is no picture yet."""
        visitor = self.visitor(request)
        if visitor.picture is None:
            visitor.open(sample(names()[0]), names()[0])
        return self.everything(visitor, self._greeting(visitor))

    def leave(self, request: gr.Request) -> None:
        """A page was closed: forget its visitor and the pictures."""
        self.visitors.leave(str(request.session_hash))

    def pick(self, request: gr.Request, event: gr.EventData) -> list[Any]:
        """Open a sample that was clicked."""

        def work(visitor: Visitor) -> str:
            name = str(event.name)
            if name not in names():
                raise UsageError("There is no such sample.")
            visitor.open(sample(name), name)
            return self._greeting(visitor)

        return self.try_to(request, work)

    def upload(self, request: gr.Request, event: gr.EventData) -> list[Any]:
        """Open an uploaded picture; one that was saved here comes back with its last hole open."""

        def work(visitor: Visitor) -> str:
            name = short(str(event.name))
            file = inside(self.uploads, event.path, name)
            try:
                picture, earlier = read_upload(file, name), read_steps(file)
            finally:
                discard(file)
            visitor.open(picture, name, earlier)
            if visitor.hole is None:
                return self._greeting(visitor)
            self.fill(visitor)
            return f"{name} was saved here: its last hole is open again{self.other_weights(earlier[-1])}."

        return self.try_to(request, work)

    def refused(self, request: gr.Request, event: gr.EventData) -> list[Any]:
        """Say why the page did not send a file: it is too large."""

        def work(visitor: Visitor) -> str:
            raise UsageError(f"{short(str(event.name))} was refused: {MOST_BYTES // 2**20} MiB is the limit.")

        return self.try_to(request, work)

    def stroke(self, request: gr.Request, event: gr.EventData) -> list[Any]:
        """Take the hole as painted so far and fill it; ``serial`` tells whether it is of the picture still open."""

        def work(visitor: Visitor) -> str:
            if event.serial != visitor.serial or visitor.picture is None:
                return "The picture changed meanwhile: paint again."
            visitor.paint(painted(event.hole, visitor.picture.shape[:2]))
            return self.fill(visitor)

        return self.try_to(request, work, editor=False)

    def ready_made(self, request: gr.Request, event: gr.EventData) -> list[Any]:
        """Paint a hole of the mask type that was clicked; each click draws another."""

        def work(visitor: Visitor) -> str:
            name = str(event.name)
            if name not in mask.names():
                raise UsageError("There is no such mask type.")
            if visitor.picture is None:
                raise UsageError("Open a picture first.")
            shape = visitor.picture.shape[:2]
            visitor.paint(hole_to(draw(name, paint_shape(shape), 0, [visitor.drawn])[0], shape))
            visitor.drawn += 1
            visitor.serial += 1
            return self.fill(visitor)

        return self.try_to(request, work)

    def hole_file(self, request: gr.Request, event: gr.EventData) -> list[Any]:
        """Take the hole from an uploaded mask file, in place of what is painted."""

        def work(visitor: Visitor) -> str:
            name = short(str(event.name))
            file = inside(self.uploads, event.path, name)
            try:
                if visitor.picture is None:
                    raise UsageError("Open a picture first.")
                hole = read_hole(file, name, visitor.picture.shape[:2])
            finally:
                discard(file)
            visitor.paint(hole)
            visitor.serial += 1
            return self.fill(visitor)

        return self.try_to(request, work)

    def confirm(self, request: gr.Request) -> list[Any]:
        """Keep the chosen fill as the picture, so that the next hole can be painted in it."""

        def work(visitor: Visitor) -> str:
            if not visitor.confirm():
                raise UsageError("There is no fill to confirm: paint first.")
            return f"Confirmed, {counted(len(visitor.steps), 'fill')} so far. Paint the next hole, or save."

        return self.try_to(request, work)

    def revert(self, request: gr.Request) -> list[Any]:
        """One step back: drop the hole, or else the last confirmed fill."""

        def work(visitor: Visitor) -> str:
            if not visitor.revert():
                raise UsageError("Nothing to revert.")
            if visitor.hole is None:
                more = " Revert again to undo the last confirmed fill." if visitor.steps else ""
                return f"The hole is gone.{more}"
            self.fill(visitor)
            return "The last confirmed fill was reverted."

        return self.try_to(request, work)

    def choose(self, request: gr.Request, label: str) -> list[Any]:
        """Choose the method whose fill Confirm and Save take."""

        def work(visitor: Visitor) -> str:
            visitor.chosen = label
            return f"Confirm and Save take the fill of {label}."

        return self.try_to(request, work, editor=False)

    def correct(self, request: gr.Request, corrected: bool) -> list[Any]:
        """Switch colour correction and score what is now shown."""

        def work(visitor: Visitor) -> str:
            visitor.corrected = bool(corrected)
            self.score(visitor)
            if not corrected:
                return "Colour correction is off."
            return "Colour correction is on: gain and offset per channel, fitted on the known pixels."

        return self.try_to(request, work, editor=False)

    def resize(self, request: gr.Request, size: int) -> list[Any]:
        """Set the size in pixels at which holes are filled, and fill again."""

        def work(visitor: Visitor) -> str:
            if size not in (side for _, side in self.sizes(visitor)):
                raise UsageError("There is no such size.")
            visitor.size = size
            return self.fill(visitor) if visitor.hole is not None else f"Holes are filled at {size} px."

        return self.try_to(request, work, editor=False)

    # -- what they share ------------------------------------------------------------------------------

    def visitor(self, request: gr.Request) -> Visitor:
        """Whose page an event comes from."""
        return self.visitors.of(str(request.session_hash))

    def try_to(self, request: gr.Request, work: Callable[[Visitor], str], editor: bool = True) -> list[Any]:
        """Do it and show how things stand; what cannot be done is a sentence."""
        visitor = self.visitor(request)
        with visitor.lock:
            try:
                text, wrong = work(visitor), False
            except (BenchError, VariantError) as error:
                text, wrong = str(error), True
            except (AttributeError, KeyError, TypeError, ValueError):  # an event that our page does not send
                text, wrong = "That could not be done.", True
            return self.everything(visitor, text, wrong, editor)

    def fill(self, visitor: Visitor) -> str:
        """Fill the painted hole with every method and score the fills; returns the status to show."""
        if visitor.picture is None or visitor.hole is None:
            return "Nothing is painted."
        visitor.fills = self.engine.fill(visitor.picture, visitor.hole, visitor.size or self.engine.cast.size)
        self.score(visitor)
        return f"Filled by {counted(sum(not fill.problem for fill in visitor.fills), 'method')}."

    def score(self, visitor: Visitor) -> None:
        """Score the fills, if the truth below the hole is known: it is not once a fill was confirmed."""
        if visitor.knows_truth:
            self.engine.score(visitor.fills, visitor.corrected)

    def other_weights(self, made: Made) -> str:
        """What to say of a saved fill that cannot be repeated here; nothing of one that can."""
        here = {(m.name, m.seed, m.weights_sha256) for m in self.engine.cast.methods}
        if (made.method, made.seed, made.weights_sha256) in here:
            return ""
        return f", filled anew, since {made.method} with the weights it had is not loaded here"

    def sizes(self, visitor: Visitor) -> list[tuple[str, int]]:
        """The sides that a visitor can choose, in words and pixels."""
        own = self.engine.cast.size
        return [(f"{s} px{', trained' * (s == own)}", s) for s in sorted({own, visitor.size or own, *SIZES})]

    def _greeting(self, visitor: Visitor) -> str:
        assert visitor.picture is not None
        height, width = visitor.picture.shape[:2]
        return f"{visitor.name}, {width} × {height} px. Paint over what to remove."

    def everything(self, visitor: Visitor, text: str, wrong: bool = False, editor: bool = True) -> list[Any]:
        """The values of all outputs, in the order of :func:`build`."""
        fill, labels = visitor.fill, self.engine.cast.labels
        return [
            self.editor(visitor) if editor else gr.skip(),
            cards.status(text, wrong),
            cards.cards(visitor, self.engine.metrics),
            cards.saves(visitor),
            gr.update(interactive=fill is not None),
            gr.update(interactive=visitor.hole is not None or bool(visitor.steps)),
            gr.update(value=fill.label if fill else visitor.chosen if visitor.chosen in labels else labels[0]),
            gr.update(value=visitor.corrected),
            gr.update(value=visitor.size or self.engine.cast.size, choices=self.sizes(visitor)),
        ]

    def editor(self, visitor: Visitor) -> dict[str, Any]:
        """What the page's script needs to show the picture; a new ``serial`` makes it load again."""
        return {
            "serial": visitor.serial,
            "name": visitor.name,
            "picture": cards.address(visitor, "picture.png"),
            "hole": cards.address(visitor, "hole-shown.png") if visitor.hole is not None else None,
            "fresh": not visitor.steps and visitor.hole is None and visitor.painted == visitor.opened,
        }


def painted(strokes: Any, shape: tuple[int, int]) -> np.ndarray | None:
    """The hole that the editor sent, a data URI, at the picture's (height, width); None where nothing is painted."""
    if strokes is None:
        return None
    head, comma, data = str(strokes).partition(",")
    if head != "data:image/png;base64" or not comma or len(data) > MOST_STROKES:
        raise UsageError("The hole could not be read.")
    hole = read_hole_png(base64.b64decode(data))
    if hole.shape != paint_shape(shape):
        raise UsageError("The hole is not of the picture's size.")
    return hole_to(hole, shape)


def build(page: Page) -> gr.Blocks:
    """The components and their events."""
    labels = page.engine.cast.labels
    with gr.Blocks(title="inpaint-bench demo", analytics_enabled=False, fill_width=True) as blocks:
        gr.HTML(
            '<div id="masthead"><h1>inpaint-bench demo</h1>'
            "<p>Paint over what to remove, look at the fills, keep the one you like.</p></div>"
        )
        status = gr.HTML(elem_id="status", apply_default_css=False)
        with gr.Row(equal_height=False, elem_id="columns"):
            with gr.Column(scale=6, min_width=320):
                editor = gr.HTML(
                    None,
                    html_template=editor_html(),
                    js_on_load=asset("editor.js"),
                    elem_id="editor",
                    apply_default_css=False,
                )
                # Beside the buttons that it is about, before the fills on a narrow screen.
                chosen = gr.Radio(labels, value=labels[0], label="Confirm and Save take the fill of",
                                  visible=len(labels) > 1, elem_id="chosen")  # fmt: skip
                with gr.Row(elem_id="actions"):
                    confirm = gr.Button("Confirm", variant="primary", interactive=False, min_width=80)
                    revert = gr.Button("Revert", interactive=False, min_width=80)
                saves = gr.HTML(elem_id="saves", apply_default_css=False)
            with gr.Column(scale=5, min_width=320):
                results = gr.HTML(js_on_load=asset("results.js"), elem_id="results", apply_default_css=False)
                with gr.Row(elem_id="options"):
                    size = gr.Dropdown(
                        page.sizes(Visitor()),
                        value=page.engine.cast.size,
                        label="Fill at",
                        filterable=False,
                        min_width=200,
                    )
                    corrected = gr.Checkbox(False, label="Colour correction", min_width=200)
        outputs = [editor, status, results, saves, confirm, revert, chosen, corrected, size]
        # One queue for all of them: what one visitor does happens in order.
        shared: dict[str, Any] = {
            "outputs": outputs,
            "show_progress": "hidden",
            "concurrency_id": "demo",
            "api_visibility": "private",
        }
        blocks.load(page.arrive, **shared)
        blocks.unload(page.leave)
        # While one is under way the next waits, and of several the last: none is dropped for coming too soon.
        latest = {**shared, "trigger_mode": "always_last"}
        editor.stroke(page.stroke, **latest)
        editor.sample(page.pick, **latest)
        editor.picture(page.upload, **latest)
        editor.holefile(page.hole_file, **latest)
        editor.mask(page.ready_made, **latest)
        editor.refused(page.refused, **latest)
        confirm.click(page.confirm, **shared)
        revert.click(page.revert, **shared)
        chosen.input(page.choose, inputs=chosen, **latest)
        corrected.input(page.correct, inputs=corrected, **latest)
        size.input(page.resize, inputs=size, **latest)
    return blocks
