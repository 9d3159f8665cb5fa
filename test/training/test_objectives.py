import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional as F  # noqa: E402

from emotion_recognition.training.objectives import UNKNOWN, Objective, balancing  # noqa: E402

LOGITS = torch.randn(6, 7, generator=torch.Generator().manual_seed(2))
TARGETS = torch.tensor([0, 2, 1, 1, 0, 2])


def test_offsets_are_the_logarithms_of_the_shares():
    found = balancing(np.array([0, 0, 0, 1]), 3)
    assert found == pytest.approx(np.log([0.75, 0.25, 0.25]))  # what is missing counts as one


def test_it_is_the_cross_entropy_of_the_columns_that_count():
    assert Objective().loss(LOGITS, TARGETS, 0.1) == F.cross_entropy(LOGITS, TARGETS, label_smoothing=0.1)
    assert Objective((4, 0, 6)).loss(LOGITS, TARGETS) == F.cross_entropy(LOGITS[:, [4, 0, 6]], TARGETS)
    offsets = (-1.0, 0.5, 2.0)
    expected = F.cross_entropy(LOGITS[:, :3] + torch.tensor(offsets), TARGETS)
    assert Objective((0, 1, 2), offsets).loss(LOGITS, TARGETS) == expected
    shares = torch.softmax(LOGITS, 1).flip(1)
    assert Objective().loss(LOGITS, shares) == F.cross_entropy(LOGITS, shares)


def test_each_member_is_to_be_right_by_itself():
    members = torch.stack((LOGITS, 2 * LOGITS), 1)
    expected = (F.cross_entropy(LOGITS, TARGETS) + F.cross_entropy(2 * LOGITS, TARGETS)) / 2
    assert float(Objective().loss(members, TARGETS)) == pytest.approx(float(expected))


def test_side_tasks_read_the_last_columns_where_something_is_known():
    beside = torch.tensor([[0, 1], [1, UNKNOWN], [1, UNKNOWN], [0, UNKNOWN], [0, 0], [1, UNKNOWN]])
    objective = Objective(sides=(2, 2), side_weight=0.5)
    found = objective.loss(LOGITS, torch.column_stack((TARGETS, beside)), 0.1)
    first = F.cross_entropy(LOGITS[:, 3:5], beside[:, 0])
    # Two of six rows know the second task.
    second = F.cross_entropy(LOGITS[[0, 4], 5:], torch.tensor([1, 0])) * 2 / 6
    expected = F.cross_entropy(LOGITS[:, :3], TARGETS, label_smoothing=0.1) + 0.5 * (first + second)
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_nothing_known_of_any_side_task_leaves_the_classes():
    targets = torch.column_stack((TARGETS, torch.full((6, 2), UNKNOWN)))
    expected = F.cross_entropy(LOGITS[:, :3], TARGETS)
    assert Objective(sides=(2, 2), side_weight=0.5).loss(LOGITS, targets) == expected
