"""The page as a browser draws it; what it logs and asks for is checked by the fixture ``opened``."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from browsers import SWITCH, no_browser
from made_results import made_decision, made_jpeg, made_result

pytest.importorskip("jinja2")

from emotion_recognition import emotions  # noqa: E402
from emotion_recognition.bags.moments import worst_moments  # noqa: E402
from emotion_recognition.bags.page import page  # noqa: E402
from emotion_recognition.bags.results import BagResult, scores, with_truth  # noqa: E402

WIDTHS = (360, 1280)
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
# Relative luminance and contrast: WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio.
CONTRAST = 4.5
COLOURS = """selector => [...document.querySelectorAll(selector)].map(one => {
  const ink = getComputedStyle(one).color;
  const ground = at => getComputedStyle(at).backgroundColor;
  let at = one;
  while (at !== document.body && ground(at) === "rgba(0, 0, 0, 0)") at = at.parentElement;
  return [ink, ground(at), one.className + " " + one.textContent.slice(0, 20)];
})"""


def figure(drawn, name):
    return drawn.inner_text(f'[data-figure="{name}"]')


def has_sideways_scrolling(drawn):
    return drawn.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def luminance(colour):
    numbers = [float(part) for part in re.findall(r"[\d.]+", colour)]
    scale = 1 if colour.startswith("color(srgb") else 255
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (number / scale for number in numbers[:3])
    ]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("width", WIDTHS)
def test_figures_read_back(opened, width):
    made = made_result(seed=1, duration_s=75.0)
    drawn, found = opened(page([made]), width), scores([made])
    for name in ("accuracy", "uar", "macro_f1", "ece"):
        assert figure(drawn, name) == f"{found[name]:.3f}", name
    assert (figure(drawn, "decisions"), figure(drawn, "judged")) == (str(found["decisions"]), str(found["judged"]))
    for name, value in made.coverage.items():
        assert figure(drawn, f"coverage-{name}") == f"{100 * value:.1f} %"
    for stream, one in found["streams"].items():
        table = drawn.locator(f'.confusion[data-stream="{stream}"] tbody tr')
        assert [[int(cell) for cell in row.locator("td").all_inner_texts()] for row in table.all()] == one["confusion"][
            "matrix"
        ]
        circles = drawn.locator(f'.calibration[data-stream="{stream}"] circle')
        counts = [int(circle.get_attribute("data-count")) for circle in circles.all()]
        assert counts == [entry["count"] for entry in one["reliability"] if entry["count"]]
        recalls = drawn.locator(f'.classes[data-stream="{stream}"] tbody tr td:nth-child(3)').all_inner_texts()
        assert recalls == [
            "–" if entry["recall"] is None else f"{entry['recall']:.3f}" for entry in one["per_class"].values()
        ]
    assert not has_sideways_scrolling(drawn)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_timeline_lies_where_the_times_say(opened, width):
    labels = (*made_result().labels[:1],)
    made = BagResult("a", 30.0, "offline", with_truth([
        made_decision(6.0, emotions.HAPPY), made_decision(6.5, emotions.HAPPY), made_decision(15.0, emotions.SAD),
    ], labels), labels, {})  # fmt: skip
    drawn = opened(page([made]), width)
    lane = drawn.locator('[data-lane="fused"]').bounding_box()
    cells = drawn.locator('[data-lane="fused"] .cell')
    boxes = [cell.bounding_box() for cell in cells.all()]
    for box, (start, end) in zip(boxes, [(6.0, 7.5), (15.0, 16.0)], strict=True):
        assert box["x"] - lane["x"] == pytest.approx(lane["width"] * start / 30, abs=0.6)
        assert box["width"] == pytest.approx(lane["width"] * (end - start) / 30, abs=0.6)
    assert "wrong" not in cells.nth(0).get_attribute("class") and "wrong" in cells.nth(1).get_attribute("class")
    assert "truth happy" in cells.nth(1).get_attribute("title")
    colours = cells.evaluate_all("all => all.map(one => getComputedStyle(one).backgroundColor)")
    legend = dict(zip(
        drawn.locator(".legend li").all_inner_texts(),
        drawn.locator(".legend i").evaluate_all("all => all.map(one => getComputedStyle(one).backgroundColor)"),
        strict=True,
    ))  # fmt: skip
    assert colours == [legend["happy"], legend["sad"]]
    names = [name.replace("\xad", "") for name in drawn.locator(".row .name").all_inner_texts() if name]
    assert names == ["truth", "fused", "status", "confidence"]
    assert lane["x"] + lane["width"] <= width


def test_many_bags_with_a_partial_one_and_names_that_are_markup(opened):
    long = made_result("b" * 120, seed=2, duration_s=2000.0, problems=(EVIL,))
    people = tuple(replace(one, person=EVIL) for one in made_result().decisions)
    evil = made_result(EVIL, decisions=people, parameters={EVIL: EVIL * 5})
    drawn = opened(page([made_result(), long, evil, BagResult("empty", 0.0, "offline", (), (), {})]), 360)
    assert not has_sideways_scrolling(drawn)
    assert drawn.locator("#problems li").all_inner_texts() == [EVIL]
    assert drawn.locator("script, img").count() == 0
    assert drawn.locator("#bags tbody th").all_inner_texts()[2] == EVIL
    # A link to a bag opens what was folded.
    assert not drawn.locator("details", has_text="7").nth(1).locator(".lane").first.is_visible()
    drawn.locator("#bags a").nth(1).click()
    assert drawn.locator("details").nth(1).locator(".lane").first.is_visible()
    drawn.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert not has_sideways_scrolling(drawn)


def test_faces_are_drawn(opened):
    made = made_result()
    surest = worst_moments([made])[0]
    drawn = opened(page([replace(made, faces={surest.decision: made_jpeg(size=48)})]), 360)
    assert drawn.locator(".moments img").evaluate_all("all => all.map(one => one.naturalWidth)") == [48]
    assert drawn.locator('[data-figure="moment-confidence"]').first.inner_text() == f"{surest.confidence:.2f}"
    assert not has_sideways_scrolling(drawn)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_by_day_and_by_night(opened, scheme):
    every = tuple(made_decision(0.5 * number, number) for number in emotions.CLASS_IDS)
    status = tuple(
        made_decision(10.0 + at, emotions.HAPPY if name != "NEITHER" else 0, status=name)
        for at, name in enumerate(("BOTH", "FACE_ONLY", "SPEECH_ONLY", "NEITHER"))
    )
    labels = made_result().labels
    made = made_result(decisions=with_truth([*every, *status], labels), problems=("one",))
    drawn = opened(page([made]), 360, scheme)
    found = drawn.evaluate(
        COLOURS, ".cell, .note, td, th, dt, dd, .problems h2, .axis span, .name, .word, figcaption, a"
    )
    assert len(found) > 100
    poor = [one for one in found if contrast(*one[:2]) < CONTRAST]
    assert not poor, poor
    sizes = drawn.evaluate("[...document.querySelectorAll('.cell, td, .note, .name')].map("
                           "one => parseFloat(getComputedStyle(one).fontSize))")  # fmt: skip
    assert min(sizes) >= 12
    page_colour = drawn.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (luminance(page_colour) > 0.5) == (scheme == "light")


def test_the_switch_turns_a_missing_browser_into_a_failure(monkeypatch):
    monkeypatch.setenv(SWITCH, "required")
    with pytest.raises(pytest.fail.Exception, match="not installed"):
        no_browser("not installed")
    monkeypatch.delenv(SWITCH)
    with pytest.raises(pytest.skip.Exception, match="not installed"):
        no_browser("not installed")


def test_continuous_integration_requires_the_browser():
    run = (Path(__file__).parents[2] / ".ci" / "run").read_text()
    assert f"{SWITCH}=required" in run and "chromium-headless-shell" in run
