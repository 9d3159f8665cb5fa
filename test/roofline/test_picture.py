from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("matplotlib")

from emotion_recognition.roofline import PAPER_BOARDS, Board, Count, bound, workloads  # noqa: E402
from emotion_recognition.roofline.picture import draw, figure, spread  # noqa: E402

MANY = [*PAPER_BOARDS, Board("a", 27.0, 20.0), Board("b", 29.0, 21.0), Board("c", 2000.0, 40.0), Board("d", 28.0, 0.1)]


def test_places_that_are_apart_stay():
    assert spread([0.9, 0.1, 0.5], 0.2, 0, 1) == [0.9, 0.1, 0.5]
    assert spread([], 0.2, 0, 1) == []


def test_places_too_close_move_as_little_as_needed():
    assert spread([0.5, 0.5], 0.2, 0, 1) == pytest.approx([0.4, 0.6])
    assert spread([0.0, 0.1], 0.2, 0, 1) == pytest.approx([0.0, 0.2])
    assert spread([1.0, 0.95], 0.2, 0, 1) == pytest.approx([1.0, 0.8])


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9), st.floats(0.01, 0.5))
def test_places_are_apart_in_order_and_inside(places, gap):
    found = spread(places, gap, 0, 1)
    least = min(gap, 1 / (len(places) - 1))
    for one, other in combinations(range(len(places)), 2):
        assert abs(found[one] - found[other]) >= least - 1e-9
        assert places[one] == places[other] or (places[one] < places[other]) == (found[one] < found[other])
    assert min(found) >= -1e-9 and max(found) <= 1 + 1e-9


@pytest.mark.parametrize("boards", [PAPER_BOARDS, MANY], ids=["paper", "many"])
@pytest.mark.parametrize("count", Count)
def test_names_do_not_overlap_and_lie_inside(boards, count):
    drawn = figure(boards, workloads(), count)
    drawn.canvas.draw()
    texts = [text for text in drawn.axes[0].texts if text.get_gid()] + drawn.texts
    boxes = {text.get_text(): text.get_window_extent() for text in texts}
    assert len(boxes) == len(workloads()) + len(boards) + 3  # and title, count and sources
    for (one, box), (other, second) in combinations(boxes.items(), 2):
        assert not box.overlaps(second), (one, other)
    for name, box in boxes.items():
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= drawn.bbox.x1 and box.y1 <= drawn.bbox.y1, name


def test_every_part_lies_on_every_boards_line():
    works = workloads()
    axes = figure(PAPER_BOARDS, works).axes[0]
    points = {
        (round(line.get_xdata()[0], 6), round(line.get_ydata()[0], 6))
        for line in axes.lines
        if line.get_marker() in ("o", "s")
    }
    expected = {
        (round(work.intensity(), 6), round(bound(board, work).attainable_gflops, 6))
        for board in PAPER_BOARDS
        for work in works
    }
    assert points == expected
    assert axes.get_xscale() == axes.get_yscale() == "log"
    roofs = [line for line in axes.lines if len(line.get_xdata()) == 3]
    assert [(line.get_xdata()[1], line.get_ydata()[1]) for line in roofs] == [
        (pytest.approx(board.ridge), pytest.approx(board.gflops)) for board in PAPER_BOARDS
    ]


def test_the_file_is_a_picture(tmp_path):
    draw(tmp_path / "roofline.png", PAPER_BOARDS, workloads())
    content = (tmp_path / "roofline.png").read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert [int.from_bytes(content[at : at + 4], "big") for at in (16, 20)] == [1300, 800]
