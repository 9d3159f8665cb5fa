import json

import pytest
import yaml
from made_results import made_result

from emotion_recognition.bags import sides
from emotion_recognition.bags.results import to_json
from emotion_recognition.bags.settings import read_parameters
from emotion_recognition.engines.errors import ModelError
from emotion_recognition.weights import FACE, SPEECH


def test_a_saved_run_comes_back(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(to_json([made_result()])))
    assert sides.kind_of(tmp_path / "run.json") == "run"
    assert sides.load_run(tmp_path / "run.json") == [made_result()]


@pytest.mark.parametrize("text", ["{}", "[]", '{"format": 1}', "3", "{", "\x00", "[" * 100_000])
def test_what_is_no_side_is_refused_by_name(tmp_path, text):
    (tmp_path / "odd.json").write_text(text)
    with pytest.raises(ValueError, match="odd.json: .*expected"):
        sides.kind_of(tmp_path / "odd.json")


@pytest.mark.parametrize("found", [{"bags": []}, {"bags": 3, "format": 1}, {"bags": [{}], "format": 1, "timing": {}}])
def test_a_run_of_another_form_is_refused_by_name(tmp_path, found):
    (tmp_path / "old.json").write_text(json.dumps(found))
    with pytest.raises(ValueError, match="old.json: .*evaluate --json"):
        sides.load_run(tmp_path / "old.json")


@pytest.mark.parametrize("sidecar, node, name", [
    (FACE, "visual_classifier", "face_model"), (SPEECH, "speech_classifier", "speech_model"),
])  # fmt: skip
def test_a_sidecar_is_the_parameter_of_its_stream(sidecar, node, name):
    assert sides.kind_of(sidecar) == "model"
    with sides.parameter_file(sidecar) as path:
        found = read_parameters(path)
    assert found[node][name] == str(sidecar.resolve())
    found[node][name] = ""
    assert found == read_parameters(None)


def test_a_parameter_file_stands_for_itself(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"/**": {"ros__parameters": {"hop": 0.25}}}))
    with sides.parameter_file(path) as found:
        assert found == path


def test_a_sidecar_without_its_files_is_refused(tmp_path):
    (tmp_path / "a.json").write_text(FACE.read_text())
    with pytest.raises(ModelError), sides.parameter_file(tmp_path / "a.json"):
        pass
