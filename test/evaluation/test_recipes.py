from emotion_recognition.evaluation import recipes
from emotion_recognition.evaluation.recipes import completed


def test_a_recipe_written_before_readings_has_the_default_ones():
    before = {"architecture": "speech-cnn-s2", "optimisation": {"seed": 1}}
    assert completed(before) == {**before, "readings": {}, "balanced": False, "side_weight": 0.0}
    assert "readings" not in before
    other = {**before, "readings": {"prelu": "channel"}, "balanced": True, "side_weight": 0.3}
    assert completed(other) == other != completed(before)


def test_versions_written_before_their_length_varied_have_one_length():
    assert completed({"versions": {"frames": 80}})["versions"] == {"frames": 80, "least_frames": 80}
    assert completed({"versions": 16})["versions"] == 16


def test_settings_within_settings_are_completed_where_these_are_there(monkeypatch):
    monkeypatch.setattr(recipes, "GAINED", {"versions.mask.width": [1, 2], "seed": 3})
    assert completed({"versions": {"mask": {"chance": 0.5}}}) == {
        "versions": {"mask": {"chance": 0.5, "width": [1, 2]}}, "seed": 3,
    }  # fmt: skip
    assert completed({"versions": {"mask": {"width": [9]}}, "seed": 4}) == {
        "versions": {"mask": {"width": [9]}}, "seed": 4,
    }  # fmt: skip
    for without in ({"versions": {}}, {"versions": 7}, {"other": {}}):
        assert completed(without) == {**without, "seed": 3}


def test_what_is_completed_is_a_copy():
    one = completed({"a": {"b": 1}})
    one["readings"]["prelu"] = "channel"
    one["a"]["b"] = 2
    assert completed({})["readings"] == {}
