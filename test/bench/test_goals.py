import pytest

from emotion_recognition.bench import GOALS, judge

REACHED = {
    "paper_way_ms": 300.0, "face_decision_ms": 10.0, "backbone_ms": 5.0, "backbone_plain_onnxruntime_ms": 7.0,
    "backbone_96_ms": 2.0, "backbone_96_plain_onnxruntime_ms": 2.8, "decision_ms": 8.0, "latency_p95_ms": 40.0,
    "cpu_share": 0.25, "rss_one_process_mib": 160.0, "pss_five_processes_mib": 450.0,
    "latency_p95_overload_ms": 80.0, "rss_overload_start_mib": 100.0, "rss_overload_end_mib": 105.0,
}  # fmt: skip


def test_the_bounds_themselves_reach_the_goals():
    found = judge(REACHED)
    assert [one["reached"] for one in found] == [True] * len(GOALS)
    assert [one["value"] for one in found] == pytest.approx([one.limit for one in GOALS])
    assert found[0]["bound"] == ">= 30" and found[3]["bound"] == "<= 8 ms"


@pytest.mark.parametrize(
    ("key", "value", "missed"),
    [
        ("paper_way_ms", 299.0, {0}),
        ("face_decision_ms", 10.1, {0}),
        ("backbone_ms", 5.1, {1}),
        ("backbone_96_plain_onnxruntime_ms", 2.7, {2}),
        ("decision_ms", 8.01, {3}),
        ("latency_p95_ms", 41.0, {4}),
        ("latency_p95_ms", 39.0, {8}),
        ("cpu_share", 0.26, {5}),
        ("rss_one_process_mib", 161.0, {6}),
        ("pss_five_processes_mib", 451.0, {7}),
        ("latency_p95_overload_ms", 81.0, {8}),
        ("rss_overload_end_mib", 106.0, {9}),
    ],
)
def test_a_little_worse_misses(key, value, missed):
    found = judge({**REACHED, key: value})
    assert {number for number, one in enumerate(found) if not one["reached"]} == missed


def test_what_was_not_measured_is_neither_reached_nor_missed():
    found = judge({**REACHED, "decision_ms": None, "face_decision_ms": None, "latency_p95_ms": None})
    assert [number for number, one in enumerate(found) if one["reached"] is None] == [0, 3, 4, 8]
    assert all(one["value"] is None for one in found if one["reached"] is None)
