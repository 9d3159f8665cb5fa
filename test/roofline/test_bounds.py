import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_recognition.models.formulas import Cost
from emotion_recognition.roofline import PAPER_BOARDS, Board, Count, Work, bound, parse_board, to_json, workloads


def work(macs=100, parameters=10, activations=40, batch_norm=30):
    cost = Cost(parameters, macs, batch_norm)
    return Work("paper", "speech", "speech", "model", cost, cost, activations)


def find(pair, part):
    return next(one for one in workloads() if (one.pair, one.part) == (pair, part))


def test_operations_and_bytes_by_hand():
    found = work()
    assert (found.weight_bytes, found.activation_bytes, found.moved_bytes) == (40, 160, 200)
    assert found.operations() == 200 and found.intensity() == 1.0
    assert found.operations(Count.paper) == 130 and found.intensity(Count.paper) == 0.65


def test_frames_read_the_parameters_once():
    three = work().times(3)
    assert three.measured == Cost(10, 300, 90) and three.moved_bytes == 40 + 3 * 160


def test_the_paper_boards_and_their_ridges():
    assert {board.name: (board.gflops, board.gbs) for board in PAPER_BOARDS} == {
        "RPi 4B": (30.0, 12.8), "RPi 5": (120.0, 17.1), "Zenbo": (25.76, 25.6),
    }  # fmt: skip
    assert [round(board.ridge, 3) for board in PAPER_BOARDS] == [2.344, 7.018, 1.006]


def test_below_the_ridge_the_memory_limits_and_above_it_the_processor():
    board = Board("a", 100.0, 25.0)
    slow, fast = work(macs=300), work(macs=500)  # 3 and 5 operations a byte, the ridge is 4
    assert bound(board, slow).limit == "memory" and bound(board, slow).attainable_gflops == 75.0
    assert bound(board, fast).limit == "compute" and bound(board, fast).attainable_gflops == 100.0
    at = bound(board, work(macs=400))
    assert (at.limit, at.attainable_gflops) == ("compute", 100.0)
    # 600 operations at 75e9 a second, which are 200 bytes at 25e9.
    assert bound(board, slow).least_ms == pytest.approx(8e-6)


@given(
    st.floats(1e-2, 1e5), st.floats(1e-2, 1e5), st.integers(1, 10**9), st.integers(1, 10**7), st.integers(0, 10**8)
)  # fmt: skip
def test_least_time_is_the_longer_of_computing_and_moving(gflops, gbs, macs, parameters, activations):
    one = work(macs, parameters, activations)
    expected = max(2 * macs / gflops, one.moved_bytes / gbs) / 1e6
    assert bound(Board("a", gflops, gbs), one).least_ms == pytest.approx(expected)


def test_the_papers_pair_has_the_papers_figures_both_ways():
    decision = find("paper", "decision")
    assert decision.measured.parameters == decision.formula.parameters == 919_086
    assert round(decision.measured.operations / 1e9, 3) == round(decision.formula.operations / 1e9, 3) == 0.773
    assert decision.model == "ghostnet-tam-fan + speech-cnn-s2" and decision.title == "decision, 15 frames"
    backbone = find("paper", "backbone")
    assert (backbone.measured.parameters, round(backbone.measured.macs / 1e6, 2)) == (303_964, 47.43)
    assert find("paper", "fan").measured == Cost(10_954, 35_136, 0)


def test_a_decision_is_its_parts():
    for pair in ("paper", "default"):
        backbone, fan, speech, decision, newest = (
            find(pair, part) for part in ("backbone", "fan", "speech", "decision", "decision_new_frame")
        )
        rest = fan.measured.macs + speech.measured.macs
        assert decision.measured.macs == 15 * backbone.measured.macs + rest
        assert newest.measured.macs == backbone.measured.macs + rest
        assert decision.weight_bytes == newest.weight_bytes == 4 * newest.measured.parameters
        others = fan.activation_bytes + speech.activation_bytes
        assert decision.activation_bytes == 15 * backbone.activation_bytes + others


def test_bounds_of_the_paper_decision():
    """717.9 M multiply-accumulates a decision: 1.436 GFLOP, or 0.773 G as the paper counts."""
    rpi4, rpi5, zenbo = PAPER_BOARDS
    decision = find("paper", "decision")
    assert bound(zenbo, decision).limit == "compute"
    assert bound(zenbo, decision).least_ms == pytest.approx(1436.46 / 25.76, rel=1e-3)
    assert bound(zenbo, decision, Count.paper).least_ms == pytest.approx(773.21 / 25.76, rel=1e-3)
    assert bound(rpi4, decision).attainable_gflops == 30.0
    assert bound(rpi5, decision).limit == "memory" and bound(rpi5, decision).attainable_gflops < 120
    assert bound(zenbo, find("paper", "fan")).limit == "memory"


def test_as_json():
    boards = [*PAPER_BOARDS, Board("x", 1.0, 2.0)]
    found = json.loads(json.dumps(to_json(boards, workloads(), Count.paper), allow_nan=False))
    assert found["count"] == "paper" and len(found["bounds"]) == 4 * len(found["works"]) == 40
    assert found["boards"][-1] == {"name": "x", "gflops": 1.0, "gbs": 2.0, "source": "given", "ridge": 0.5}
    first = found["bounds"][0]
    assert (first["board"], first["pair"], first["part"]) == ("RPi 4B", "paper", "backbone")
    assert set(first) == {"board", "pair", "part", "attainable_gflops", "limit", "least_ms"}


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"frames": 15, "parts": {}}', '{"frames": 15, "parts": {"ghostnet-tam-fan": {}}}']
)
def test_a_file_without_costs_of_parts_says_what_to_do(tmp_path, content):
    file = tmp_path / "costs.json"
    file.write_text(content)
    with pytest.raises(ValueError, match="costs.json: no costs.*python -m emotion_recognition.models.cost"):
        workloads(file)


def test_a_board_from_words():
    assert parse_board("Jetson=470,25.6") == Board("Jetson", 470.0, 25.6)
    assert parse_board("a=b=1e2, 3").name == "a=b" and parse_board("my board=1e2,3").gflops == 100.0


@pytest.mark.parametrize(
    "text, found, expected",
    [
        ("Jetson", "'Jetson'", "NAME=GFLOPS,GBS"),
        ("470,25.6", "'470,25.6'", "NAME=GFLOPS,GBS"),
        ("Jetson=470", "'Jetson=470'", "NAME=GFLOPS,GBS"),
        ("Jetson=470,25,6", "'Jetson=470,25,6'", "NAME=GFLOPS,GBS"),
        ("Jetson=fast,25", "'fast,25'", "two numbers"),
        ("=470,25", "''", "a name"),
        (" =470,25", "' '", "a name"),
        ("Jetson=0,25", "0.0 GFLOP/s", "above 0"),
        ("Jetson=470,-1", "-1.0 GB/s", "above 0"),
        ("Jetson=nan,25", "nan GFLOP/s", "finite"),
        ("Jetson=470,inf", "inf GB/s", "finite"),
    ],
)
def test_words_that_are_no_board(text, found, expected):
    with pytest.raises(ValueError) as problem:
        parse_board(text)
    assert found in str(problem.value) and expected in str(problem.value)
