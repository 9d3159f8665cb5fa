import json
from datetime import date

import pytest
from made_bench import MACHINE, live, run, timings

from emotion_recognition.bench import report, tables

DAY = date(2026, 11, 23)
# What the bench is asked for by name.
KEYS = {
    "paper_way_ms", "face_decision_ms", "backbone_ms", "backbone_plain_onnxruntime_ms", "decision_ms", "latency_p95_ms",
    "latency_p95_overload_ms", "cpu_share", "rss_one_process_mib", "pss_five_processes_mib", "peak_gflops",
    "backbone_share_of_peak",
}  # fmt: skip


def compose(timed=None, lived=None):
    made = report.compose(timed or timings(), lived or live(), 50.0, MACHINE, DAY)
    return {**made, "command": "the command"}


def test_the_main_figures_stand_at_the_top():
    found = compose()
    assert set(found) >= KEYS and all(isinstance(found[key], float) for key in KEYS)
    assert (found["paper_way_ms"], found["face_decision_ms"], found["decision_ms"]) == (240, 3, 7.5)
    assert (found["backbone_ms"], found["backbone_plain_onnxruntime_ms"]) == (5, 10)
    assert (found["latency_p95_ms"], found["latency_p95_overload_ms"]) == (35, 50)
    assert (found["rss_one_process_mib"], found["pss_five_processes_mib"], found["cpu_share"]) == (101, 81, 0.2)
    # 2 x 47.43 M multiply-accumulates in 5 ms, of 50 GFLOP/s.
    assert found["backbone_share_of_peak"] == pytest.approx(2 * 47.43e6 / 5e-3 / 50e9, rel=0.01)
    assert found["date"] == "2026-11-23" and found["processor"] == "a processor" and not found["doubts"]
    assert all(goal["reached"] for goal in found["goals"])


def test_what_was_left_out_is_null_and_named():
    found = compose(timings(paper={"left_out": "no torch"}), live(overload={"left_out": "no ROS"}))
    assert found["paper_way_ms"] is None and found["latency_p95_overload_ms"] is None and found["decision_ms"] == 7.5
    text = tables.markdown(found)
    assert "Left out: no torch" in text and "One process, overload: left out: no ROS" in text
    assert "paper's way / one face decision | >= 30 | – | not measured |" in text


def test_a_busy_machine_is_named():
    lived = live(one_process=run(35.0, others_share=1.5, log=["[WARN] something"]))
    lived["overload"]["source"]["missed"] = 7
    found = compose(timings(timings_cpu_share=0.5), lived)
    assert found["doubts"] == [
        "the timings had the processor 50% of the time",
        "one_process: other programs used 1.50 cores meanwhile",
        "one_process: [WARN] something",
        "overload: the source missed 7 frames",
    ]
    assert "- one_process: other programs used 1.50 cores meanwhile" in tables.markdown(found)


def test_the_markdown_has_every_table_with_its_figures():
    lines = tables.markdown(compose()).splitlines()
    for line in (
        "# Bench, 2026-11-23",
        "| a whole decision | <= 8 ms | 7.5 ms | reached |",
        "| decision | 7.5 | 7 to 8.5 | 6 | 3 | it |",
        "| 224 pixels, plain export | 10 | 9.5 to 11 | 8.5 | 3 |",
        "| default: net fan | 1x2 | 4 | left out |",
        "| 8 | 20 | 5 |",
        "| 320x240 | 20 | 5 |",
        "| five processes | 30.0 | 30 | 10, 45, 60 | 5 | 20.0% | 100 to 101 | 80 to 81 | 150, 3 |",
        "Shares of a core in five processes: fusion 20.0%.",
    ):
        assert line in lines, line
    rows = [line for line in lines if line.startswith("|")]
    assert len({line.count("|") for line in rows}) > 1 and all(line.endswith("|") for line in rows)


def test_a_report_is_written_thrice_and_replaced(tmp_path):
    folder = tmp_path / "new" / "bench"
    report.write({"a": 1}, "old", folder, "2026-11-23")
    paths = report.write({"a": 2}, "# text", folder, "2026-11-23")
    assert [path.name for path in paths] == ["2026-11-23.json", "2026-11-23.md", "latest.json"]
    assert json.loads(paths[0].read_text()) == json.loads(paths[2].read_text()) == {"a": 2}
    assert paths[1].read_text() == "# text" and len(list(folder.iterdir())) == 3
    assert paths[0].stat().st_mode & 0o777 == 0o644


def test_what_json_has_no_word_for_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        report.write({"a": float("nan")}, "", tmp_path / "bench", "today")
    assert not (tmp_path / "bench").exists()


@pytest.mark.parametrize(
    ("value", "words"), [(None, "–"), (0.012345, "0.0123"), (7.5, "7.5"), (123.4, "123"), (-250.7, "-251"), (0, "0")]
)
def test_three_digits_that_count(value, words):
    assert tables.number(value) == words
