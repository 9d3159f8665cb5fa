import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file  # noqa: E402

from emotion_recognition.datasets import emodb, ravdess  # noqa: E402
from emotion_recognition.training.loop import Optimisation  # noqa: E402
from emotion_recognition.training.mel_bank import Versions, make_bank  # noqa: E402
from emotion_recognition.training.side_tasks import side_targets  # noqa: E402
from emotion_recognition.training.speech_matrix import SpeechMatrixRecipe, fit, logits  # noqa: E402

RECIPE = SpeechMatrixRecipe(
    side_weight=0.3,
    versions=dataclasses.replace(Versions(), frames=24, least_frames=24),
    optimisation=Optimisation(((2, 4e-3),), batch=8, warm_up=5, average=0.8),
)


def test_names_tell_intensity_and_sex():
    clips = [
        ravdess.parse(Path(f"03-01-05-{intensity:02}-01-01-{actor:02}.wav"))
        for intensity, actor in ((1, 1), (2, 2), (1, 24))
    ]
    clips += [emodb.parse(Path(name)) for name in ("03a01Fa.wav", "08a01Wa.wav", "16b10Td.flac")]
    clips.append(dataclasses.replace(clips[0], corpus="cremad", intensity=2, sex=""))
    assert side_targets(clips).tolist() == [[0, 1], [1, 0], [0, 0], [-1, 1], [-1, 0], [-1, 0], [-1, -1]]
    assert side_targets([]).shape == (0, 2)


@pytest.fixture(scope="module")
def bank():
    draw = np.random.default_rng(0)
    return make_bank([draw.standard_normal(16000).astype(np.float32) * 0.1 for _ in range(16)])


def test_side_tasks_change_what_is_learned_and_leave_no_columns(bank, tmp_path):
    columns, sides = np.arange(16) % 2, np.column_stack((np.arange(16) // 2 % 2, np.arange(16) // 4 % 2))
    checkpoint = tmp_path / "checkpoint.safetensors"
    found = fit(bank, columns, sides, RECIPE, 2, checkpoint)
    other = fit(bank, columns, 1 - sides, RECIPE, 2)
    assert logits(found, bank).shape == (16, 2)
    assert np.abs(logits(found, bank) - logits(other, bank)).max() > 1e-4
    # While it learned it had two columns more for each task.
    wide = {tuple(value.shape) for name, value in load_file(checkpoint).items() if name.endswith("0.fc.weight")}
    assert wide == {(6, 112)}
    # The same training taken up again, after its end, is cut in the same way.
    again = fit(bank, columns, sides, RECIPE, 2, checkpoint)
    assert (logits(again, bank) == logits(found, bank)).all()


def test_a_weight_of_zero_leaves_them_out(bank):
    columns, sides = np.arange(16) % 2, np.zeros((16, 2), int)
    alone = dataclasses.replace(RECIPE, side_weight=0.0)
    found, other = (logits(fit(bank, columns, given, alone, 2), bank) for given in (sides, 1 - sides))
    assert (found == other).all()
