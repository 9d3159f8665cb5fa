import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_results import made_decision, made_jpeg, made_result

pytest.importorskip("jinja2")

from emotion_recognition import emotions  # noqa: E402
from emotion_recognition.bags import page as pages  # noqa: E402
from emotion_recognition.bags.moments import worst_moments  # noqa: E402
from emotion_recognition.bags.results import BagResult, from_json, to_json  # noqa: E402

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&{{ 7*7 }}"


def test_the_same_run_gives_the_same_page_also_when_it_was_saved():
    made = made_result(mode="replayed")
    made = replace(made, decisions=tuple(replace(one, latency_s=0.1) for one in made.decisions))
    made = replace(made, faces={worst_moments([made])[0].decision: made_jpeg()})
    assert pages.page([made]) == pages.page(from_json(json.loads(json.dumps(to_json([made])))))


def test_it_needs_nothing_from_elsewhere():
    html = pages.page([replace(made_result(), faces={0: made_jpeg()})])
    assert "<script" not in html and "http:" not in html and "https:" not in html and "url(" not in html
    assert set(re.findall(r'(?:src|href)="(data:|#|[^"]*)', html)) <= {"data:", "#"}
    assert "default-src 'none'" in html


def test_every_text_is_escaped():
    made = made_result(EVIL, problems=(EVIL,), parameters={EVIL: EVIL}, models={EVIL: {"name": EVIL, "weights": EVIL}})
    people = tuple(replace(one, person=EVIL, status=EVIL, truth=emotions.SAD) for one in made.decisions)
    labels = tuple(replace(one, person=EVIL) for one in made.labels)
    made = replace(made, decisions=people, labels=labels, timing={"date": EVIL, "versions": {EVIL: EVIL}})
    html = pages.page([made, made], title=EVIL)
    assert "<script" not in html and "<img" not in html and "onerror=alert(2)&gt;" in html and "{{ 7*7 }}" in html


def test_figures_of_the_summary():
    made = made_result(seed=4)
    figures = dict(re.findall(r'data-figure="([\w-]+)">([^<]*)<', pages.page([made])))
    found = to_json([made])
    assert figures["accuracy"] == f"{found['accuracy']:.3f}" and figures["ece"] == f"{found['ece']:.3f}"
    assert figures["uar"] == f"{found['uar']:.3f}" and figures["macro_f1"] == f"{found['macro_f1']:.3f}"
    assert (figures["decisions"], figures["judged"]) == (str(found["decisions"]), str(found["judged"]))
    assert figures["coverage-voice"] == "90.0 %" and figures["realtime_factor"] == "25.0"


@pytest.mark.parametrize("results", [
    [],
    [BagResult("empty", 0.0, "offline", (), (), {})],
    [BagResult("one", 0.1, "recorded", (made_decision(0.0, emotions.HAPPY),), (), {"face": 1.0})],
    [made_result(labels=(), decisions=tuple(replace(one, truth=None) for one in made_result().decisions))],
    [replace(made_result(), decisions=())],
], ids=["no bag", "nothing in it", "one decision", "no labels", "no decisions"])  # fmt: skip
def test_what_is_not_there_is_a_dash(results):
    html = pages.page(results)
    assert '<dd data-figure="accuracy">–</dd>' in html and "None" not in html and "nan" not in html
    assert "No decision could be judged" in html


def test_a_run_without_a_mistake_says_so():
    assert "No judged decision is wrong." in pages.page([made_result(wrong=0.0)])


def test_problems_are_named_and_only_then():
    assert 'id="problems"' not in pages.page([made_result()])
    html = pages.page([made_result(problems=("walk: /image: offset 4096: cut off",))])
    assert "Partial: not everything could be read" in html and "walk: /image: offset 4096: cut off" in html


def test_faces_only_where_given_and_only_jpeg():
    made = made_result()
    first, second = (one.decision for one in worst_moments([made])[:2])
    assert "<img" not in pages.page([made])
    html = pages.page([replace(made, faces={first: made_jpeg(), second: b"<svg onload=alert(1)>"})])
    assert html.count("<img") == html.count('src="data:image/jpeg;base64,') == 1


def test_latency_only_where_it_was_measured():
    made = made_result()
    assert "<code>--replay</code>" in pages.page([made])
    slow = replace(made, decisions=tuple(replace(one, latency_s=0.25) for one in made.decisions))
    assert '<span data-figure="latency-p95">250</span>' in pages.page([slow])


def test_parameters_that_bags_share_stand_once():
    one, same, other = made_result("a"), made_result("b"), made_result("c", parameters={"hop": 0.25})
    html = pages.page([one, same, other])
    assert "<p>a, b</p>" in html and "<p>c</p>" in html and html.count("<code>fusion_method</code>") == 1


def test_reasons_are_counted():
    made = made_result()
    some = tuple(replace(one, reasons=2 if one.time_s < 3 else 0) for one in made.decisions)
    assert re.search(r"no voice</th><td>5<", pages.page([replace(made, decisions=some)]))


@given(st.floats(0, 1e6))
def test_a_clock_says_what_it_was_given(seconds):
    parts = [float(part) for part in pages.clock(seconds).split(":")]
    assert all(part < 60 for part in parts[1:])
    assert sum(part * 60**place for place, part in enumerate(reversed(parts))) == pytest.approx(seconds, abs=0.051)


@pytest.mark.parametrize("seconds, text", [(0, "0:00.0"), (59.96, "1:00.0"), (75.25, "1:15.2"), (3725.5, "1:02:05.5")])
def test_clocks(seconds, text):
    assert pages.clock(seconds) == text


def test_clock_of_whole_seconds():
    assert pages.clock(90, 0) == "1:30" and pages.clock(5, 0) == "0:05"


@pytest.mark.parametrize("duration, row", [(0, 30), (360, 30), (361, 60), (3600, 300), (1e6, 3600)])
def test_rows_of_the_timeline(duration, row):
    assert pages.row_seconds(duration) == row
