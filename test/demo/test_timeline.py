import numpy as np
import pytest

pytest.importorskip("matplotlib")

from heard import START_NS, heard, story  # noqa: E402
from PIL import Image, ImageColor  # noqa: E402

from emotion_recognition.demo.records import BOTH, FACE_ONLY, NEITHER, SPEECH_ONLY  # noqa: E402
from emotion_recognition.demo.timeline import COLOURS, draw, lanes, pieces, winners  # noqa: E402
from emotion_recognition.emotions import LABELS  # noqa: E402


def persons(lane):
    return [piece[0].person_id for piece in lane]


def test_pieces_are_split_by_person_and_gap():
    records = [heard(t) for t in (0, 1, 2, 4, 5)] + [heard(2.5, SPEECH_ONLY, person="voice")]
    assert [[(r.stamp_ns - START_NS) / 1e9 for r in piece] for piece in pieces(records)] == [[0, 1, 2], [2.5], [4, 5]]


def test_people_one_after_the_other_share_a_lane():
    found = lanes(story())
    assert [persons(lane) for lane in found] == [["", "face_1", "voice"]]


def test_people_at_once_get_lanes_of_their_own():
    records = [heard(0.2 * i, person=name) for i in range(10) for name in ("face_1", "face_2")]
    records += [heard(5 + 0.2 * i, person="face_2") for i in range(3)]
    found = lanes(records)
    assert [persons(lane) for lane in found] == [["face_1"], ["face_2", "face_2"]]


def test_nobody_never_takes_a_lane_beside_somebody():
    records = [heard(0.5 * i, NEITHER) for i in range(10)] + [heard(1.2 + 0.1 * i) for i in range(10)]
    found = lanes(records)
    assert len(found) == 1 and persons(found[0]) == ["", "face_1", ""]


def test_winner_of_every_second():
    lane = [[heard(0.1, label="happy"), heard(0.2, label="sad"), heard(0.3, label="sad"), heard(2.5, label="angry")]]
    assert winners(lane, START_NS, 4) == ["sad", None, "angry", None]
    tie = [[heard(0.1, label="happy", confidence=0.4), heard(0.2, label="sad", confidence=0.9)]]
    assert winners(tie, START_NS, 1) == ["sad"]


def test_every_class_has_a_colour_of_its_own():
    assert list(COLOURS) == list(LABELS.values())
    assert len(set(COLOURS.values())) == 8


def area_shares(path, x_share):
    """Return the share of each class's colour in the column of the probability area at a share of the time axis."""
    picture = np.asarray(Image.open(path).convert("RGB")).astype(int)
    assert picture.shape == (700, 1200, 3)
    column = picture[85:470, round(1200 * (0.075 + 0.79 * x_share))]
    return {
        name: np.mean(np.abs(column - ImageColor.getrgb(colour)).max(axis=1) < 6) for name, colour in COLOURS.items()
    }


def test_the_picture_shows_the_probabilities(tmp_path):
    first = {"happy": 0.75, "sad": 0.25}
    second = {"angry": 0.5, "neutral": 0.5}
    records = [heard(0.5 * i, FACE_ONLY, "happy", 0.75, probabilities=first) for i in range(10)]
    records += [heard(5 + 0.5 * i, BOTH, "angry", 0.5, "face_2", probabilities=second) for i in range(10)]
    draw(records, tmp_path / "t.png", "a film")
    shares = area_shares(tmp_path / "t.png", 0.25)
    assert shares["happy"] == pytest.approx(0.75, abs=0.04) and shares["sad"] == pytest.approx(0.25, abs=0.04)
    assert shares["angry"] == 0
    shares = area_shares(tmp_path / "t.png", 0.75)
    assert shares["angry"] == pytest.approx(0.5, abs=0.04) and shares["neutral"] == pytest.approx(0.5, abs=0.04)


def test_nothing_is_drawn_where_nobody_was(tmp_path):
    draw(story(), tmp_path / "t.png", "a film")
    assert sum(area_shares(tmp_path / "t.png", 0.08).values()) == 0
    assert sum(area_shares(tmp_path / "t.png", 0.6).values()) > 0.9


CROWD = [heard(i, person=f"face_{j}") for i in range(3) for j in range(9)]


@pytest.mark.parametrize("records", [[], [heard(0)], [heard(0, NEITHER)], CROWD])
def test_odd_runs_are_drawn_too(tmp_path, records):
    draw(records, tmp_path / "t.png", "costs $5 and $6_")
    assert Image.open(tmp_path / "t.png").size == (1200, 700)
