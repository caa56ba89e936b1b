"""The demo in a real browser: what a visitor does on the page."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.demo.command import large_view
from bench.demo.fills import Engine
from bench.demo.methods import Cast
from bench.demo.server import Demo, open_demo
from bench.methods.load import load_methods
from tests.bench.demo.conftest import claim
from tests.browser.conftest import Watched, fresh
from variants.network_method import NetworkMethod
from variants.registry import variant

pytestmark = pytest.mark.browser

WIDTH, HEIGHT = 200, 150


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """A page with a network that nobody trained and two references."""
    import torch

    torch.manual_seed(0)
    entry = variant.get("baseline")()  # type: ignore[operator]
    network = NetworkMethod("baseline", entry, entry.network(4))
    network.weights_sha256 = "ab" * 32
    network.chunk = 1
    references = [load_methods(name, weights=None)[0] for name in ("telea", "mean_fill")]  # type: ignore[arg-type]
    page = open_demo(Engine(Cast([network, *references], 64)), large_view)
    yield page
    page.close()


@pytest.fixture
def page(watched: Watched, demo: Demo) -> Any:
    return arrive(watched.page, demo)


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("photo") / "holiday.png"
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    noise = np.random.default_rng(0).integers(0, 30, (HEIGHT, WIDTH, 3))
    Image.fromarray((np.dstack([rows, columns, rows + columns // 2]) % 200 + noise).astype(np.uint8)).save(file)
    return file


def pixels(source: Path | bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(source) if isinstance(source, bytes) else source))


def arrive(page: Any, demo: Demo) -> Any:
    page.goto(demo.address)
    page.wait_for_selector("#editor .editor[data-serial]")
    return page


def says(page: Any, text: str) -> None:
    page.locator("#status [role=status]").filter(has_text=text).wait_for()


def hand_in(page: Any, file: Path | dict[str, Any], where: str = "#ed-file") -> None:
    page.set_input_files(where, file)


def open_photo(page: Any, file: Path) -> None:
    hand_in(page, file)
    page.get_by_role("application", name=file.name).wait_for()


def at(page: Any, x: float, y: float) -> tuple[float, float]:
    """Where a pixel of the picture of 200 x 150 lies on the page."""
    box = page.locator("#ed-canvas").bounding_box()
    scale = min(box["width"] / WIDTH, box["height"] / HEIGHT)
    left, top = box["x"] + (box["width"] - WIDTH * scale) / 2, box["y"] + (box["height"] - HEIGHT * scale) / 2
    return left + x * scale, top + y * scale


def paint(page: Any, *points: tuple[float, float]) -> None:
    """A stroke with the mouse through points of the picture, and wait until it is filled."""
    page.locator("#ed-canvas").scroll_into_view_if_needed()
    page.mouse.move(*at(page, *points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*at(page, *point), steps=3)
    page.mouse.up()
    filled(page)


def filled(page: Any, cards: int = 3) -> None:
    page.wait_for_function(
        "(n) => !document.querySelector('#results.busy') && document.querySelectorAll('.card img').length === n"
        " && [...document.querySelectorAll('.card img')].every((i) => i.complete && i.naturalWidth)",
        arg=cards,
    )


def stroke_size(page: Any, size: int) -> None:
    page.locator("#ed-size").fill(str(size))


def save(page: Any, words: str = "Save picture") -> bytes:
    with page.expect_download() as download:
        page.get_by_role("link", name=words).click()
    return Path(download.value.path()).read_bytes()


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def shown(page: Any) -> str:
    return str(page.locator("#editor .editor").get_attribute("data-serial"))


def changed(page: Any, before: str) -> None:
    page.wait_for_function("(s) => document.querySelector('#editor .editor').dataset.serial !== s", arg=before)


def test_it_asks_for_nothing_outside_and_complains_of_nothing(watched: Watched, demo: Demo) -> None:
    page = arrive(watched.page, demo)
    press(page, "standard")
    filled(page)
    assert {url.split("/")[2] for url in watched.requests} == {demo.address.split("/")[2]}
    assert watched.complaints == []
    assert "Use via API" not in page.content() and page.locator("footer:visible").count() == 0


def test_paint_confirm_paint_again_save_and_take_both_back(page: Any, photo: Path) -> None:
    original = pixels(photo)
    open_photo(page, photo)
    says(page, "holiday.png, 200 × 150 px")
    stroke_size(page, 20)
    paint(page, (60, 60), (90, 70))
    hole = pixels(save(page, "Save hole")) > 0
    first = pixels(save(page))
    assert hole[60, 60] and hole[70, 90] and not hole[100, 150] and 400 < hole.sum() < 1400
    assert (first[hole] != original[hole]).any(axis=-1).mean() > 0.9
    np.testing.assert_array_equal(first[~hole], original[~hole])

    before = shown(page)
    press(page, "Confirm")
    says(page, "Confirmed")
    changed(page, before)
    np.testing.assert_array_equal(pixels(save(page)), first)
    paint(page, (140, 100), (150, 110))
    second_hole = pixels(save(page, "Save hole")) > 0
    second = pixels(save(page))
    np.testing.assert_array_equal(second[~second_hole], first[~second_hole])
    assert (second[second_hole] != first[second_hole]).any()
    assert page.locator(".card table").count() == 0

    press(page, "Revert")
    says(page, "The hole is gone")
    np.testing.assert_array_equal(pixels(save(page)), first)
    press(page, "Revert")
    says(page, "reverted")
    filled(page)
    np.testing.assert_array_equal(pixels(save(page)), first)
    np.testing.assert_array_equal(pixels(save(page, "Save hole")) > 0, hole)
    assert page.locator(".card table").count() == 3


def test_a_saved_picture_opened_again_is_filled_again_to_the_byte(
    page: Any, browser: Any, demo: Demo, photo: Path, tmp_path: Path
) -> None:
    """By a visitor who never chose its method, size or colour correction."""
    open_photo(page, photo)
    page.get_by_label("Fill at").click()
    page.get_by_role("option", name="128 px").click()
    says(page, "filled at 128 px")
    paint(page, (60, 60), (90, 70))
    page.get_by_role("radio", name="telea").check()
    says(page, "take the fill of telea")
    file = tmp_path / "kept.png"
    file.write_bytes(save(page))
    assert json.loads(Image.open(file).info["inpaint-bench"])["steps"][0]["method"] == "telea"
    context = fresh(browser)
    other = arrive(context.new_page(), demo)
    hand_in(other, file)
    says(other, "was saved here: its last hole is open again.")
    filled(other)
    assert save(other) == file.read_bytes()
    assert other.get_by_label("Fill at").input_value() == "128 px"
    context.close()


def test_a_dot_is_as_wide_as_the_strokes_size_whatever_the_zoom(page: Any, photo: Path) -> None:
    open_photo(page, photo)
    for size, zoomed in ((9, False), (40, True)):
        stroke_size(page, size)
        if zoomed:
            press(page, "Clear")
            says(page, "Nothing is painted")
            # About the middle, where the dot is: it stays where it was.
            press(page, "Zoom in")
        paint(page, (100, 75))
        hole = pixels(save(page, "Save hole")) > 0
        rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
        assert abs(len(rows) - size) <= 1 and abs(len(columns) - size) <= 1
        assert abs(rows.mean() - 75) <= 1.5 and abs(columns.mean() - 100) <= 1.5


def test_undo_redo_and_erase(page: Any, photo: Path) -> None:
    open_photo(page, photo)
    stroke_size(page, 30)
    paint(page, (60, 60))
    once = pixels(save(page, "Save hole"))
    paint(page, (120, 60))
    twice = pixels(save(page, "Save hole"))
    press(page, "Undo")
    filled(page)
    np.testing.assert_array_equal(pixels(save(page, "Save hole")), once)
    press(page, "Redo")
    filled(page)
    np.testing.assert_array_equal(pixels(save(page, "Save hole")), twice)
    press(page, "Erase")
    stroke_size(page, 60)
    paint(page, (120, 60))
    np.testing.assert_array_equal(pixels(save(page, "Save hole")), once)
    press(page, "Clear")
    says(page, "Nothing is painted")


def test_two_visitors_do_not_see_each_others_pictures(browser: Any, demo: Demo, photo: Path) -> None:
    contexts = [fresh(browser, viewport={"width": 1280, "height": 900}) for _ in range(2)]
    one, two = (arrive(context.new_page(), demo) for context in contexts)
    addresses: list[str] = []
    one.on("request", lambda request: addresses.append(request.url))
    open_photo(one, photo)
    paint(one, (60, 60))
    press(two, "standard")
    filled(two)
    assert pixels(save(two)).shape == (256, 256, 3)
    assert pixels(save(one)).shape == (150, 200, 3)
    assert "lighthouse" in two.locator("#ed-canvas").get_attribute("aria-label")
    private = next(url for url in addresses if "/visitor/" in url)
    assert two.request.get(private).status == 200
    contexts[0].close()
    for _ in range(100):
        if two.request.get(private).status == 404:
            break
        two.wait_for_timeout(200)
    assert two.request.get(private).status == 404
    assert not [file for file in demo.uploads.rglob("*") if file.is_file()]
    contexts[1].close()


def test_hostile_files_get_one_sentence_and_the_page_lives_on(
    page: Any, demo: Demo, photo: Path, tmp_path: Path
) -> None:
    for name, content, words in (
        ("notes.png", b"hello", "not a readable picture format"),
        ("huge.png", claim(10_000, 10_000), "100 million pixels"),
        ("bomb.png", claim(60_000, 60_000), "bomb.png cannot be used"),
        ("empty.jpg", b"", "empty.jpg"),
        ("<img src=x onerror=alert(1)>.png", photo.read_bytes()[:900], "alert(1)>.png cannot be used"),
    ):
        hand_in(page, {"name": name, "mimeType": "image/png", "buffer": content})
        says(page, words)
        text = page.locator("#status p").inner_text()
        assert text.endswith(".") and "Traceback" not in text and "\n" not in text
    with (tmp_path / "heavy.png").open("wb") as heavy:
        heavy.truncate(65 * 2**20)
    hand_in(page, tmp_path / "heavy.png")
    says(page, "heavy.png was refused: 64 MiB is the limit.")
    hand_in(page, photo, "#ed-hole")
    says(page, "photograph")
    Image.new("L", (9, 9), 255).save(tmp_path / "small.png")
    hand_in(page, tmp_path / "small.png", "#ed-hole")
    says(page, "a hole has the size of its picture")
    press(page, "standard")
    filled(page)
    assert not [file for file in demo.uploads.rglob("*") if file.is_file()]


def test_a_hole_from_a_file_comes_back_as_it_was(page: Any, photo: Path, tmp_path: Path) -> None:
    hole = np.zeros((HEIGHT, WIDTH), np.uint8)
    hole[40:90, 50:120] = 255
    hole[60, 60] = 0
    Image.fromarray(hole).save(tmp_path / "hole.png")
    open_photo(page, photo)
    hand_in(page, tmp_path / "hole.png", "#ed-hole")
    filled(page)
    np.testing.assert_array_equal(pixels(save(page, "Save hole")) > 0, hole > 0)


def test_every_mask_type_cuts_a_hole_and_a_second_click_another(page: Any, photo: Path) -> None:
    open_photo(page, photo)
    names = page.locator("[data-mask]").all_inner_texts()
    assert {"standard", "rect", "circle", "ellipse"} <= set(names)
    holes = []
    for name in ("standard", "circle", "circle"):
        before = shown(page)
        press(page, name)
        changed(page, before)
        filled(page)
        holes.append(save(page, "Save hole"))
    standard = pixels(holes[0]) > 0
    assert standard[37:112, 50:150].all() and standard.sum() == 75 * 100
    assert len(set(holes)) == 3


def test_colour_correction_changes_the_networks_fill_and_is_saved(page: Any, photo: Path) -> None:
    open_photo(page, photo)
    paint(page, (60, 60), (90, 70))
    plain = save(page)
    page.get_by_label("Colour correction").check()
    says(page, "correction is on")
    filled(page)
    mended = save(page)
    assert (pixels(plain) != pixels(mended)).any()
    assert json.loads(Image.open(io.BytesIO(mended)).info["inpaint-bench"])["steps"][0]["corrected"] is True


def test_a_pasted_picture_is_opened(page: Any, photo: Path) -> None:
    page.evaluate(
        """(bytes) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "pasted.png", { type: "image/png" }));
          document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }""",
        list(photo.read_bytes()),
    )
    says(page, "pasted.png, 200 × 150 px")


def test_the_large_view_is_the_reports_and_gives_the_focus_back(page: Any) -> None:
    press(page, "standard")
    filled(page)
    page.get_by_role("link", name="Large view of telea").click()
    frame = page.frame_locator("dialog.large iframe")
    frame.locator("dialog#viewer[open]").wait_for()
    assert frame.locator("#v-b").input_value() == "telea"
    page.keyboard.press("e")
    frame.locator("#v-error[aria-pressed=true]").wait_for()
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog.large", state="detached")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Large view of telea"


def tab_to(page: Any, test: str, most: int = 60) -> None:
    """Press Tab until the element in focus answers ``test``, an expression of ``e``."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(f"((e) => Boolean({test}))(document.activeElement)"):
            return
    raise AssertionError(f"Tab never came to {test}")


def test_everything_can_be_done_from_the_keyboard(page: Any) -> None:
    tab_to(page, "e.id === 'ed-canvas'")
    page.keyboard.press("Space")
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    filled(page)
    page.keyboard.press("e")
    assert page.locator("button[data-tool=erase]").get_attribute("aria-pressed") == "true"
    page.keyboard.press("b")
    page.keyboard.press("Control+z")
    says(page, "Nothing is painted")
    page.keyboard.press("Control+y")
    filled(page)
    tab_to(page, "e.textContent.trim() === 'Confirm'")
    page.keyboard.press("Enter")
    says(page, "Confirmed")
    tab_to(page, "e.textContent.trim() === 'Revert'")
    page.keyboard.press("Enter")
    says(page, "reverted")
    filled(page)
    tab_to(page, "e.textContent.trim() === 'Save picture'")
    with page.expect_download():
        page.keyboard.press("Enter")
    tab_to(page, "e.type === 'radio' && e.value === 'telea'")
    page.keyboard.press("Space")
    says(page, "take the fill of telea")


def test_a_panorama_does_not_widen_a_phone(browser: Any, demo: Demo, tmp_path: Path) -> None:
    Image.new("RGB", (512, 64), "teal").save(tmp_path / "panorama.png")
    context = fresh(browser, viewport={"width": 390, "height": 800})
    page = arrive(context.new_page(), demo)
    open_photo(page, tmp_path / "panorama.png")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.locator("#ed-canvas").bounding_box()["width"] > 300
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
def test_axe_finds_nothing_and_nothing_sticks_out(browser: Any, demo: Demo, axe: str, width: int, scheme: str) -> None:
    context = fresh(
        browser,
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        reduced_motion="reduce",
        has_touch=width < 500,
    )
    page = arrive(context.new_page(), demo)
    page.evaluate(axe)
    for filled_already in (False, True):
        if filled_already:
            press(page, "standard")
            filled(page)
        found = page.evaluate("axe.run(document, {iframes: false})")["violations"]
        assert [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
