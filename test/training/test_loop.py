import dataclasses
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file, save_file  # noqa: E402

from emotion_recognition.engines.errors import ModelError  # noqa: E402
from emotion_recognition.training import loop  # noqa: E402
from emotion_recognition.training.averaging import MovingAverage  # noqa: E402
from emotion_recognition.training.loop import Optimisation, train  # noqa: E402
from emotion_recognition.training.objectives import Objective, balancing  # noqa: E402

COLUMNS = Objective((0, 1))
SETTINGS = Optimisation(((3, 0.05), (2, 0.02)), batch=8, warm_up=2, average=0.9)


class Points:
    """Points of a plane with noise of their own in every epoch, in two classes by the sign of the first value."""

    def __init__(self, count=40, poison=None):
        self.points = torch.randn(count, 2, generator=torch.Generator().manual_seed(5))
        self.drawn = 0
        self.poison = poison

    def __len__(self):
        return len(self.points)

    def batch(self, chosen, generator):
        self.drawn += 1
        points = self.points[chosen] + 0.1 * torch.randn(len(chosen), 2, generator=generator)
        if self.poison is not None and self.drawn > self.poison:
            points = points * float("nan")
        return points, (self.points[chosen, 0] > 0).long()


def network(seed=0, hidden=6):
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Linear(2, hidden), torch.nn.BatchNorm1d(hidden), torch.nn.Dropout(0.2), torch.nn.Linear(hidden, 3)
    )


class Killed(Exception):
    pass


def stop_after(epoch):
    def report(figures):
        if figures["epoch"] == epoch:
            raise Killed

    return report


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("killed", [1, 3, 4])
def test_a_run_that_was_killed_ends_with_the_weights_of_an_unbroken_one(tmp_path, killed, optimizer):
    settings = dataclasses.replace(SETTINGS, optimizer=optimizer)
    whole = train(network(), Points(), settings, COLUMNS)
    checkpoint = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Killed):
        train(network(), Points(), settings, COLUMNS, checkpoint, stop_after(killed))
    seen = []
    again = train(network(seed=9), Points(), settings, COLUMNS, checkpoint, seen.append)
    assert [figures["epoch"] for figures in seen] == list(range(killed + 1, 6))
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True))


def test_it_learns_and_leaves_untrained_columns_alone():
    start = network()
    before = start[3].weight[2].clone()
    found = train(start, Points(), dataclasses.replace(SETTINGS, cycles=((40, 0.05),), weight_decay=0.0), COLUMNS)
    points = Points().points
    assert (found(points)[:, :2].argmax(1) == (points[:, 0] > 0).long()).float().mean() > 0.9
    assert torch.allclose(found[3].weight[2], before, atol=1e-6)


def test_a_loss_that_is_not_finite_stops_and_the_last_good_checkpoint_stays(tmp_path):
    checkpoint = tmp_path / "checkpoint.safetensors"
    with pytest.raises(FloatingPointError, match="loss nan in epoch 3.*checkpoint.safetensors"):
        train(network(), Points(poison=12), SETTINGS, COLUMNS, checkpoint)
    assert all(torch.isfinite(value).all() for value in load_file(checkpoint).values())
    seen = []
    train(network(), Points(), SETTINGS, COLUMNS, checkpoint, seen.append)
    assert seen[0]["epoch"] == 3


class NotANumber(torch.autograd.Function):
    """Hands its input on, and a gradient that is not a number back."""

    @staticmethod
    def forward(context, value):
        return value.clone()

    @staticmethod
    def backward(context, gradient):
        return gradient * float("nan")


class Breaking(torch.nn.Linear):
    """Its gradient is not a number in one step of the training, the loss of which is finite."""

    def __init__(self, step):
        super().__init__(2, 3)
        self.left = step

    def forward(self, points):
        self.left -= self.training
        found = super().forward(points)
        return NotANumber.apply(found) if self.training and self.left == 0 else found


def test_weights_that_an_epochs_last_step_breaks_are_not_kept(tmp_path):
    # Five steps an epoch: the third epoch's last.
    with pytest.raises(FloatingPointError, match="weights that are not finite in epoch 3: lower .* not on disk"):
        train(Breaking(15), Points(), SETTINGS, COLUMNS)
    checkpoint, seen = tmp_path / "checkpoint.safetensors", []
    with pytest.raises(FloatingPointError, match="in epoch 3: lower the rate 0.05; the last good .*checkpoint.safe"):
        train(Breaking(15), Points(), SETTINGS, COLUMNS, checkpoint, seen.append)
    assert [figures["epoch"] for figures in seen] == [1, 2]
    assert all(torch.isfinite(value).all() for value in load_file(checkpoint).values())
    train(Breaking(0), Points(), SETTINGS, COLUMNS, checkpoint, seen.append)
    assert [figures["epoch"] for figures in seen] == [1, 2, 3, 4, 5]


def test_a_checkpoint_of_broken_weights_is_not_handed_out(tmp_path, monkeypatch):
    checkpoint = tmp_path / "checkpoint.safetensors"
    monkeypatch.setattr(loop, "_finite", lambda *networks: True)
    train(Breaking(25), Points(), SETTINGS, COLUMNS, checkpoint)
    monkeypatch.undo()
    with pytest.raises(FloatingPointError, match="checkpoint.safetensors: its weights are not finite: delete it"):
        train(Breaking(0), Points(), SETTINGS, COLUMNS, checkpoint)


def written(tmp_path):
    checkpoint = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Killed):
        train(network(), Points(), SETTINGS, COLUMNS, checkpoint, stop_after(1), described={"architecture": "one"})
    return checkpoint


def test_checkpoints_of_other_runs_are_refused_by_what_differs(tmp_path):
    checkpoint = written(tmp_path)
    other = dataclasses.replace(SETTINGS, seed=2)
    with pytest.raises(ValueError, match="optimisation.*'seed': 1.*not.*'seed': 2.*another folder"):
        train(network(), Points(), other, COLUMNS, checkpoint, described={"architecture": "one"})
    with pytest.raises(ValueError, match="architecture 'one', not 'two'"):
        train(network(), Points(), SETTINGS, COLUMNS, checkpoint, described={"architecture": "two"})


def test_another_architecture_under_the_same_name_is_refused(tmp_path):
    checkpoint = written(tmp_path)
    with pytest.raises(ModelError, match="another architecture"):
        train(network(hidden=7), Points(), SETTINGS, COLUMNS, checkpoint, described={"architecture": "one"})


@pytest.mark.parametrize("kind", ["truncated", "pickle", "empty", "foreign"])
def test_files_that_are_no_checkpoint_are_refused(tmp_path, kind):
    checkpoint = written(tmp_path)
    if kind == "truncated":
        checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    elif kind == "pickle":
        torch.save({"network": torch.zeros(2)}, checkpoint)
    elif kind == "empty":
        checkpoint.write_bytes(b"")
    else:
        save_file({"x": torch.zeros(2)}, checkpoint, {"made_by": json.dumps("another")})
    with pytest.raises(ModelError, match="checkpoint.safetensors: not a whole checkpoint"):
        train(network(), Points(), SETTINGS, COLUMNS, checkpoint)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cycles": ()}, {"cycles": ((0, 0.1),)}, {"cycles": ((1, 0.0),)}, {"batch": 1}, {"label_smoothing": 1.0},
        {"average": 1.0}, {"optimizer": "adam"}, {"precision": "int8"}, {"weight_decay": -1.0}, {"warm_up": 0},
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        dataclasses.replace(SETTINGS, **wrong)


def test_the_moving_average_is_short_at_first_and_copies_counters():
    net = network()
    average = MovingAverage(net, 0.99)
    for _ in range(50):
        with torch.no_grad():
            net[0].weight.fill_(3.0)
        net.train()(torch.randn(4, 2))
        average.update(net)
    assert torch.allclose(average.network[0].weight, torch.full((6, 2), 3.0), atol=1e-3)
    assert int(average.network[1].num_batches_tracked) == 50


def test_training_leaves_the_global_random_state_alone():
    net = network()
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    train(net, Points(), SETTINGS, COLUMNS)
    assert torch.equal(torch.rand(2), expected)


class Blind:
    """Examples that look all alike, three of four in the first class."""

    def __len__(self):
        return 64

    def batch(self, chosen, generator):
        return torch.ones(len(chosen), 2), (chosen % 4 == 3).long()


@pytest.mark.parametrize("columns", [None, (2, 0)])
@pytest.mark.parametrize(("balanced", "share"), [(False, 0.75), (True, 0.5)])
def test_a_balanced_network_takes_classes_for_equally_frequent(columns, balanced, share):
    torch.manual_seed(0)
    offsets = balancing(np.arange(64) % 4 == 3, 2) if balanced else None
    settings = Optimisation(((60, 0.1),), batch=64, warm_up=2, weight_decay=0.0, label_smoothing=0.0, average=0.5)
    model = torch.nn.Linear(2, 2 if columns is None else 3)
    trained = train(model, Blind(), settings, Objective(columns, offsets))
    logits = trained(torch.ones(1, 2))[:, list(columns or (0, 1))]
    assert torch.softmax(logits, 1)[0, 0].item() == pytest.approx(share, abs=0.02)
