import sys

import numpy as np
import pytest

from emotion_recognition.faces import torchvision_shim as shim
from emotion_recognition.faces.mtcnn import non_maximum_suppression

torch = pytest.importorskip("torch")


@pytest.fixture
def fake_torchvision(monkeypatch, tmp_path):
    """Return a function that puts a torchvision of the given source in the real one's place until the test ends."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(shim, "_library", None)
    monkeypatch.setattr(
        shim, "_define_operators", lambda: pytest.fail("operators defined for a torchvision that works")
    )

    def write(source):
        (tmp_path / "torchvision.py").write_text(source, encoding="utf-8")

    yield write
    sys.modules.pop("torchvision", None)


def test_a_torchvision_that_imports_is_left_as_it_is(fake_torchvision):
    fake_torchvision("answer = 42")
    assert shim.import_torchvision().answer == 42


def test_other_failures_are_told(fake_torchvision):
    fake_torchvision("raise RuntimeError('compiled for another machine')")
    with pytest.raises(ImportError, match="compiled for another machine"):
        shim.import_torchvision()


def random_boxes(count, seed):
    generator = np.random.default_rng(seed)
    corners = generator.uniform(0, 60, (count, 2))
    boxes = np.concatenate([corners, corners + generator.uniform(5, 40, (count, 2))], 1)
    return boxes.astype(np.float32), generator.permutation(count).astype(np.float32)


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.7])
def test_suppression_is_that_of_numpy(threshold):
    boxes, scores = random_boxes(300, 8)
    kept = shim.suppress(torch.tensor(boxes), torch.tensor(scores), threshold).tolist()
    assert kept == non_maximum_suppression(boxes, scores, threshold).tolist()
    assert 0 < len(kept) < 300


def test_torchvisions_own_functions_work():
    try:
        torchvision = shim.import_torchvision()
    except ImportError as error:
        pytest.skip(str(error))
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30]])
    scores = torch.tensor([0.8, 0.9, 0.7])
    assert torchvision.ops.nms(boxes, scores, 0.5).tolist() == [1, 2]
    assert torchvision.ops.nms(boxes[:0], scores[:0], 0.5).tolist() == []
    groups = torch.tensor([0, 1, 1])
    assert torchvision.ops.batched_nms(boxes, scores, groups, 0.5).tolist() == [1, 0, 2]
    assert shim.import_torchvision() is torchvision
