"""The report in a real browser, opened from a file: what a reader does with it."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.comparison.compare import compare
from bench.runs.reader import Run
from reports.build import build_report, gather, write_page
from reports.comparison import build_comparison
from tests.browser.conftest import Watched, fresh
from tests.reports.fake_run import fake_run

pytestmark = pytest.mark.browser

HOSTILE = '"><script>alert(1)</script>.png'


def open_first(page: Any, label: str = "baseline") -> None:
    page.locator(f'a.cell[id$="/{label}"]').first.click()
    page.wait_for_selector("dialog#viewer[open]")


def fragment(page: Any) -> str:
    return str(page.evaluate("decodeURIComponent(location.hash.slice(1))"))


def settled(page: Any) -> bytes:
    """The stage as it is drawn, once everything asked of it is."""
    page.locator("dialog#viewer[open]:not([aria-busy])").wait_for()
    return bytes(page.locator("#v-canvas-a").screenshot())


def test_it_opens_from_a_file_without_the_network_and_without_complaint(watched: Watched, report: str) -> None:
    watched.page.goto(report)
    watched.page.mouse.wheel(0, 20000)
    open_first(watched.page)
    settled(watched.page)
    assert set(watched.requests) == {report}
    assert watched.complaints == []


@pytest.mark.parametrize("width", [390, 1024, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_sideways(browser: Any, report: str, width: int, scheme: str) -> None:
    context = fresh(browser, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(report)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(json.loads("[" + colour.split("(")[1].rstrip(")") + "]")[:3]) > 380) == (scheme == "light")
    context.close()


def names(page: Any, group: int) -> list[str]:
    rows = page.locator("#table-methods-scenes tbody").nth(group).locator("tr:not(.group) > th")
    return [str(text) for text in rows.all_text_contents()]


def values(page: Any, group: int, column: int) -> list[float]:
    cells = page.locator("#table-methods-scenes tbody").nth(group).locator(f"tr:not(.group) > :nth-child({column})")
    return [float(cells.nth(k).get_attribute("data-value")) for k in range(cells.count())]


def test_a_click_on_a_head_sorts_and_another_turns_it_round(watched: Watched, report: str) -> None:
    page = watched.page
    page.goto(report)
    head = page.locator("#table-methods-scenes thead button", has_text="hole PSNR")
    head.click()
    first = values(page, 0, 2)
    assert first == sorted(first, reverse=True)
    assert page.locator("#table-methods-scenes th[aria-sort]").get_attribute("aria-sort") == "descending"
    head.click()
    assert values(page, 0, 2) == first[::-1]
    assert set(names(page, 1)) == {"mean_fill", "telea"}, "references stay apart from networks"


def test_the_tables_are_readable_without_script(browser: Any, report: str) -> None:
    context = fresh(browser, java_script_enabled=False)
    page = context.new_page()
    page.goto(report)
    assert page.locator("#table-methods-scenes tbody tr").first.is_visible()
    assert page.locator("#claims tbody tr").count() + page.locator("#claims li").count() == 17
    assert page.locator("#masks svg.chart").first.is_visible()
    link = page.locator('a[download="methods-scenes.csv"]')
    assert base64.b64decode(link.get_attribute("href").partition(",")[2]).startswith(b"method,psnr_hole")
    context.close()


def test_a_fill_opens_large_with_its_address_and_esc_closes_it(watched: Watched, report: str) -> None:
    page = watched.page
    page.goto(report)
    open_first(page)
    assert fragment(page).endswith("/baseline")
    assert page.locator("#v-b").input_value() == "baseline"
    assert "bench eval baseline" in page.locator("#v-command").inner_text()
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog#viewer", state="hidden")
    assert fragment(page) == ""
    assert page.evaluate("document.activeElement.id").endswith("/baseline")


def test_the_slider_shows_more_of_the_one_and_less_of_the_other(watched: Watched, report: str) -> None:
    page = watched.page
    page.goto(report)
    open_first(page, "basic_gan")
    page.keyboard.press("o")
    half = settled(page)
    page.locator("#v-slide").fill("1000")
    all_truth = settled(page)
    page.locator("#v-slide").fill("0")
    all_fill = settled(page)
    assert len({half, all_truth, all_fill}) == 3
    box = page.locator("#v-canvas-a").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    assert int(page.locator("#v-slide").input_value()) > 500


def test_flip_turns_between_the_two_and_back(watched: Watched, report: str) -> None:
    page = watched.page
    page.goto(report)
    open_first(page, "double_dg")
    page.locator("#v-a").select_option("basic_gan")
    page.keyboard.press("f")
    first = settled(page)
    assert page.locator("#v-tag-a").inner_text() == "basic_gan"
    page.keyboard.press("f")
    second = settled(page)
    assert page.locator("#v-tag-a").inner_text() == "double_dg"
    page.keyboard.press("f")
    assert settled(page) == first != second


def test_arrows_walk_through_methods_and_pictures(watched: Watched, report: str) -> None:
    page = watched.page
    page.goto(report)
    open_first(page, "baseline")
    here = fragment(page)
    page.keyboard.press("ArrowRight")
    assert fragment(page) == here.replace("/baseline", "/basic_gan")
    page.keyboard.press("ArrowLeft")
    assert fragment(page) == here
    page.keyboard.press("ArrowDown")
    below = fragment(page)
    assert below != here
    assert below.endswith("/baseline")
    page.keyboard.press("ArrowUp")
    assert fragment(page) == here


@pytest.mark.parametrize(
    ("key", "button"),
    [
        ("o", "#v-outline"),
        ("e", "#v-error"),
        ("d", "[data-mode=side]"),
        ("r", "[data-layer=raw]"),
        ("c", "[data-layer=corrected]"),
    ],
)
def test_every_key_does_what_its_button_does(watched: Watched, report: str, key: str, button: str) -> None:
    page = watched.page
    page.goto(report)
    open_first(page, "gan_res_whole")
    before, state = settled(page), page.locator(button).get_attribute("aria-pressed")
    page.keyboard.press(key)
    assert page.locator(button).get_attribute("aria-pressed") != state
    assert settled(page) != before


def test_keys_work_after_a_method_was_chosen_from_the_list(watched: Watched, report: str) -> None:
    page = watched.page
    page.goto(report)
    open_first(page, "gan_res_whole")
    page.locator("#v-a").focus()
    page.locator("#v-a").select_option("double_dg")
    for key, button in (
        ("f", "[data-mode=flip]"),
        ("d", "[data-mode=side]"),
        ("s", "[data-mode=slider]"),
        ("e", "#v-error"),
    ):
        page.keyboard.press(key)
        assert page.locator(button).get_attribute("aria-pressed") == "true", key
    assert page.locator("#v-a").input_value() == "double_dg", "a letter is no choice in the list"


def test_after_a_choice_with_the_mouse_arrows_go_on_through_the_pictures(watched: Watched, report: str) -> None:
    page = watched.page
    page.goto(report)
    open_first(page, "baseline")
    title = page.locator("#viewer-title").inner_text()
    for key, name in (("a", "double_dg"), ("b", "telea")):
        page.locator(f"#v-{key}").dispatch_event("pointerdown")
        page.locator(f"#v-{key}").select_option(name)
        page.keyboard.press("ArrowDown")
        assert page.locator("#viewer-title").inner_text() != title
        assert page.locator(f"#v-{key}").input_value() == name
        page.keyboard.press("ArrowUp")
        assert page.locator("#viewer-title").inner_text() == title


@pytest.mark.parametrize("width", [390, 1280])
def test_a_long_command_is_whole_and_beside_its_button(watched: Watched, report: str, width: int) -> None:
    page = watched.page
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(report)
    command, button = (page.locator(f"#reproduce .code {part}") for part in ("pre", ".copy"))
    assert command.evaluate("e => e.scrollWidth <= e.clientWidth")
    left, right = command.bounding_box(), button.bounding_box()
    assert left["x"] + left["width"] <= right["x"]
    assert "bench run" in command.inner_text() and " --" in command.text_content()


def wide_run(path: Path) -> Run:
    """A run whose pictures are half as high as wide; telea's pictures are lost."""
    folder = fake_run(
        path, variants=("baseline", "telea"), datasets=("scenes",), masks=("rect",), pictures=4, samples=2
    )
    for file in (folder / "samples").rglob("*.png"):
        with Image.open(file) as image:
            image.crop((0, 0, image.width, image.height // 2)).save(file)
    for file in (folder / "samples").glob("*/1*.png"):
        file.unlink()
    return Run.open(folder)


def test_cells_have_the_shape_of_their_picture_and_show_nothing_where_a_fill_is_lost(
    watched: Watched, tmp_path: Path
) -> None:
    page = watched.page
    page.goto(build_report(wide_run(tmp_path / "r")).as_uri())
    row = page.locator("table.grid tbody tr").first
    boxes = [cell.bounding_box() for cell in row.locator(".cell:not(.none)").all()]
    assert len(boxes) == 3, "truth, masked picture and the baseline's fill"
    assert all(abs(box["width"] / box["height"] - 2) < 0.05 for box in boxes)
    assert row.locator(".none").inner_text() == "no picture"
    background = row.locator(".none").evaluate("e => getComputedStyle(e).backgroundImage")
    assert background == "none", "the truth stands under a method's name"


def test_the_truth_is_not_under_a_fill_that_is_still_to_come(watched: Watched, run: Run, report: str) -> None:
    page = watched.page
    page.goto(report)
    fill = page.locator('a.cell[id$="/baseline"]').first
    fill.evaluate("cell => cell.querySelector('img').remove()")
    shown = np.asarray(Image.open(io.BytesIO(fill.screenshot())).convert("RGB"))
    middle = shown[shown.shape[0] // 2, shown.shape[1] // 2]
    assert middle.tolist() == [128, 128, 128], "the hole is grey until its fill is there"
    assert page.locator("img[loading=lazy]").count() == 0


def test_zoom_and_pan_move_both_pictures_together(watched: Watched, report: str) -> None:
    page = watched.page
    page.goto(report)
    open_first(page)
    page.keyboard.press("d")
    page.locator("#v-a").select_option("baseline")
    page.keyboard.press("o")
    for key in ("+", "+", "+", "Shift+ArrowRight", "Shift+ArrowUp"):
        page.locator("#v-stage").press(key)
    settled(page)
    take = "c => document.getElementById(c).toDataURL()"
    assert page.evaluate(take, "v-canvas-a") == page.evaluate(take, "v-canvas-b")


def test_an_address_opens_its_fill(watched: Watched, run: Run, report: str) -> None:
    row = gather(run).context["rows"][-1]
    cell = row.cells[3]
    watched.page.goto(f"{report}#{cell.anchor}")
    watched.page.wait_for_selector("dialog#viewer[open]")
    assert watched.page.locator("#v-b").input_value() == cell.label
    assert row.image_id in watched.page.locator("#viewer-title").inner_text()


def test_the_pixel_read_out_is_the_pixel_of_the_file(watched: Watched, run: Run, report: str) -> None:
    page = watched.page
    page.goto(report)
    open_first(page, "baseline")
    settled(page)
    box = page.locator("#v-canvas-a").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 + 3, box["y"] + box["height"] / 2 + 3)
    page.locator("#v-pixel", has_text="ΔE00").wait_for()
    words = page.locator("#v-pixel").inner_text().split()
    x, y = int(words[1]), int(words[3])
    found = {words[k]: [int(v) for v in words[k + 1 : k + 4]] for k in (4, 8)}
    item = run.samples[0]
    for side, name in (("A", item["truth"]), ("B", item["fills"]["baseline"]["filled"])):
        pixels = np.asarray(Image.open(run.path / "samples" / name))
        assert found[side] == pixels[y, x].tolist()


def test_the_colour_difference_is_ciede2000(watched: Watched, report: str) -> None:
    from skimage.color import deltaE_ciede2000, rgb2lab

    random = np.random.default_rng(0)
    a, b = random.integers(0, 256, (2, 400, 3), np.uint8)
    b[:100] = np.clip(a[:100].astype(int) + random.integers(-3, 4, (100, 3)), 0, 255)
    b[100:120] = a[100:120, :1]
    expected = deltaE_ciede2000(rgb2lab(a), rgb2lab(b))
    watched.page.goto(report)
    code = "([a, b]) => a.map((p, k) => Colour.difference(Colour.lab(...p), Colour.lab(...b[k])))"
    np.testing.assert_allclose(watched.page.evaluate(code, [a.tolist(), b.tolist()]), expected, atol=2e-3)


def test_hostile_names_are_shown_and_do_nothing(watched: Watched, tmp_path: Path) -> None:
    ids = [HOSTILE, "b/../c%2f.png", "d", "e"]
    folder = fake_run(
        tmp_path / "r", variants=("baseline", "telea"), datasets=("scenes",), masks=("rect",), ids=ids, samples=4
    )
    page = watched.page
    page.goto(build_report(Run.open(folder)).as_uri())
    assert page.locator("table.grid .name", has_text=HOSTILE).count() >= 1
    assert page.locator("script").count() == 2
    for image_id in ids[:2]:
        page.locator("table.grid tr", has_text=image_id).locator("a.cell[id]").first.click()
        page.wait_for_selector("dialog#viewer[open]")
        assert image_id in page.locator("#viewer-title").inner_text()
        address = page.url
        page.keyboard.press("Escape")
        page.goto("about:blank")
        page.goto(address)
        page.wait_for_selector("dialog#viewer[open]")
        assert image_id in page.locator("#viewer-title").inner_text()
        page.keyboard.press("Escape")
    assert watched.complaints == []


def test_a_link_to_a_picture_that_is_not_there_says_so(watched: Watched, report: str) -> None:
    page = watched.page
    page.goto(report + "#cell/none/of/these")
    page.wait_for_selector("#v-absent:not([hidden])")
    page.goto(report + "#grid")
    page.wait_for_selector("#v-absent", state="hidden")
    assert page.locator("dialog#viewer[open]").count() == 0


def test_a_run_going_on_reloads_its_page(watched: Watched, run: Run, tmp_path: Path) -> None:
    page_file = write_page(gather(run, reload_s=1), tmp_path / "report.html")
    watched.page.goto(page_file.as_uri())
    write_page(gather(run), page_file)
    watched.page.wait_for_selector("body:not([data-reload])", timeout=15000)


def test_the_buttons_above_a_picture_are_one_line_high_where_its_title_is_long(watched: Watched, report: str) -> None:
    page = watched.page
    page.set_viewport_size({"width": 1024, "height": 900})
    page.goto(report)
    open_first(page)
    page.evaluate("document.querySelector('.vhead h2').textContent = 'a picture of a long name '.repeat(6)")
    high = page.evaluate("[...document.querySelectorAll('.vnav button, #v-close')].map(b => b.offsetHeight)")
    assert len(high) == 6 and max(high) == min(high) < 45


def test_the_theme_can_be_chosen(watched: Watched, report: str) -> None:
    page = watched.page
    page.goto(report)
    colour = "getComputedStyle(document.body).backgroundColor"
    page.locator("[data-theme=dark]").click()
    dark = page.evaluate(colour)
    page.locator("[data-theme=light]").click()
    assert page.evaluate(colour) == "rgb(255, 255, 255)" != dark


def test_the_comparison_page_opens_and_its_pictures_too(watched: Watched, run: Run, tmp_path: Path) -> None:
    comparison = compare([f"{run.path}:baseline", f"{run.path}:double_dg"], run.path.parent)
    watched.page.goto(build_comparison(comparison, tmp_path / "compare.html").as_uri())
    assert "double_dg is worse" in watched.page.locator("h1").inner_text()
    open_first(watched.page, "double_dg")
    settled(watched.page)
    assert watched.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", ["page", "viewer"])
def test_axe_finds_nothing_serious(browser: Any, report: str, axe: str, scheme: str, place: str) -> None:
    context = fresh(browser, viewport={"width": 1280, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(report)
    if place == "viewer":
        open_first(page)
        settled(page)
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    serious = [
        f"{v['id']}: {v['help']} ({n['target']}, {n.get('failureSummary', '')[:200]})"
        for v in found
        if v["impact"] in ("serious", "critical")
        for n in v["nodes"][:3]
    ]
    context.close()
    assert serious == [], "\n".join(serious)


def test_a_screenshot_of_the_stage_is_not_blank(watched: Watched, report: str) -> None:
    watched.page.goto(report)
    open_first(watched.page)
    picture = np.asarray(Image.open(io.BytesIO(settled(watched.page))).convert("RGB"))
    assert picture.std() > 20


def test_a_printed_page_is_no_wider_than_its_paper(browser: Any, report: str) -> None:
    context = fresh(browser, viewport={"width": 1032, "height": 700})  # A4 landscape less its margins, at 96 dpi
    page = context.new_page()
    page.emulate_media(media="print")
    page.goto(report)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1032
    context.close()
