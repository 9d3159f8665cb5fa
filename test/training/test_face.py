"""Training of the face classifier on small made pictures."""

import dataclasses
import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from emotion_recognition.classifiers import VisualClassifier as Classifier  # noqa: E402
from emotion_recognition.datasets import CorpusError, fer2013  # noqa: E402
from emotion_recognition.datasets.reading import UnreadableFile  # noqa: E402
from emotion_recognition.engines import load_metadata  # noqa: E402
from emotion_recognition.evaluation.face_scores import score_faces  # noqa: E402
from emotion_recognition.models.factory import create_model  # noqa: E402
from emotion_recognition.training import augment_faces, face, face_run  # noqa: E402
from emotion_recognition.training.loop import Optimisation  # noqa: E402

EMOTIONS = ("angry", "disgust", "fearful", "happy", "neutral", "sad", "surprised")
SMALL = face.FaceRecipe("resnet-fan", 32, Optimisation(((2, 3e-3),), batch=7, warm_up=2, average=0.5))


def picture(emotion, number):
    """A grey picture with one bright stripe whose place is the emotion's, so that a few steps can learn it."""
    rng = np.random.default_rng(100 * EMOTIONS.index(emotion) + number)
    pixels = rng.integers(60, 90, (48, 48)).astype(np.uint8)
    row = 4 + 6 * EMOTIONS.index(emotion)
    pixels[row : row + 5] = 230
    return pixels


def write_archive(folder, splits):
    with zipfile.ZipFile(folder / fer2013.ARCHIVE, "w") as archive:
        for name, pixels in splits.items():
            data = io.BytesIO()
            Image.fromarray(pixels).save(data, "PNG")
            archive.writestr(name, data.getvalue())


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fer2013")
    counts = {"train": range(6), "validation": range(6, 8), "test": range(8, 10)}
    write_archive(
        folder,
        {
            f"{split}/{emotion}/{number}.png": picture(emotion, number)
            for split, numbers in counts.items()
            for emotion in EMOTIONS
            for number in numbers
        },
    )
    return folder


def test_copies_stand_in_the_last_split_only(tmp_path):
    same, other, third = picture("happy", 0), picture("happy", 1), picture("sad", 2)
    write_archive(
        tmp_path,
        {
            "train/happy/a.png": same,
            "train/happy/b.png": other,
            "validation/happy/c.png": third,
            "test/happy/d.png": same,
            "test/happy/e.png": same,
        },
    )
    found = fer2013.load(tmp_path)
    assert {split: faces.names for split, faces in found.items()} == {
        "train": ("train/happy/b.png",),
        "validation": ("validation/happy/c.png",),
        "test": ("test/happy/d.png",),
    }


def test_missing_archive_and_unknown_folder_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=fer2013.ARCHIVE):
        fer2013.load(tmp_path)
    write_archive(tmp_path, {"test/bored/a.png": picture("happy", 0)})
    with pytest.raises(ValueError, match="bored"):
        fer2013.load(tmp_path)


def test_unreadable_pictures_are_listed_not_lost(tmp_path):
    write_archive(tmp_path, {f"{split}/happy/a.png": picture("happy", n) for n, split in enumerate(fer2013.SPLITS)})
    with zipfile.ZipFile(tmp_path / fer2013.ARCHIVE, "a") as archive:
        archive.writestr("test/happy/broken.png", b"no picture")
    assert fer2013.load(tmp_path)["test"].unreadable == ("test/happy/broken.png",)


def test_augmentation_without_a_draw_is_the_input(monkeypatch):
    for name, value in {
        "ROTATION_DEGREES": 0.0, "SCALE_RANGE": (1.0, 1.0), "SHIFT": 0.0, "BRIGHTNESS": 0.0, "CONTRAST": 0.0,
        "ERASE_CHANCE": 0.0,
    }.items():  # fmt: skip
        monkeypatch.setattr(augment_faces, name, value)
    pictures = torch.from_numpy(np.stack([picture("happy", n) for n in range(8)]))
    made = augment_faces.augment(pictures, 96, torch.Generator().manual_seed(0))
    plain = augment_faces.to_input(pictures, 96)
    for one, straight in zip(made, plain, strict=True):
        nearest = min((one - straight).abs().max(), (one - straight.flip(2)).abs().max())
        assert nearest < 1e-4


def test_augmentation_is_repeatable_and_in_range():
    pictures = torch.from_numpy(np.stack([picture("sad", n) for n in range(5)]))
    first, second = (augment_faces.augment(pictures, 40, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second) and first.shape == (5, 3, 40, 40)
    assert first.min() >= -1 and first.max() <= 1


def test_resumed_training_gives_the_weights_of_an_unbroken_one(data, tmp_path):
    faces = fer2013.load(data)
    whole = face.train_backbone(faces["train"], faces["validation"], SMALL, None, lambda figures: None)

    class KilledError(Exception):
        pass

    def kill(figures):
        raise KilledError

    with pytest.raises(KilledError):
        face.train_backbone(faces["train"], faces["validation"], SMALL, tmp_path / "broken.safetensors", kill)
    seen = []
    checkpoint = tmp_path / "broken.safetensors"
    resumed = face.train_backbone(faces["train"], faces["validation"], SMALL, checkpoint, seen.append)
    assert [figures["epoch"] for figures in seen] == [2]
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_checkpoints_of_another_recipe_are_refused(data, tmp_path):
    faces = fer2013.load(data)
    short = dataclasses.replace(SMALL, optimisation=Optimisation(((1, 3e-3),), batch=7))
    face.train_backbone(faces["train"], faces["validation"], short, tmp_path / "c.safetensors", lambda figures: None)
    with pytest.raises(ValueError, match="another folder"):
        face.train_backbone(
            faces["train"], faces["validation"], SMALL, tmp_path / "c.safetensors", lambda figures: None
        )


def test_loss_that_is_not_finite_stops(data, tmp_path):
    faces = fer2013.load(data)
    wild = dataclasses.replace(SMALL, optimisation=Optimisation(((2, 1e30),), batch=7))
    with pytest.raises(FloatingPointError, match="last good state"):
        face.train_backbone(faces["train"], faces["validation"], wild, tmp_path / "c.safetensors", lambda figures: None)


def test_composed_clips_mix_good_and_degraded_frames():
    variants = torch.arange(6.0).view(1, 6, 1).expand(50, 6, 4)
    clips = face.compose_clips(variants, 4, torch.Generator().manual_seed(0))
    assert clips.shape == (50, face.CLIP_FRAMES, 4)
    degraded = (clips[..., 0] >= 4).sum(1)
    assert degraded.min() >= 0 and degraded.max() <= face.CLIP_FRAMES - 3 and len(set(degraded.tolist())) > 5


@pytest.mark.parametrize(("architecture", "embedding"), [("ghostnet-tam-fan", 576), ("resnet-fan", 72)])
def test_attention_learns_to_leave_out_degraded_frames(architecture, embedding):
    """Good frames carry the class, degraded ones a class of their own choosing and a mark that tells them apart."""
    generator = torch.Generator().manual_seed(0)
    truth = torch.randint(0, 8, (400,), generator=generator)
    truth[truth == 1] = 0
    variants = torch.zeros(400, 6, embedding)
    for index, number in enumerate(truth.tolist()):
        variants[index, :4, number] = 3.0
        variants[index, 4:, (number + 3) % 8] = 3.0
        variants[index, 4:, 50] = 3.0
    model = create_model(architecture)
    with torch.no_grad():
        model.fan.fc.weight.zero_()
        model.fan.fc.weight[:, :8] = torch.eye(8)
        model.fan.fc.weight[:, embedding : embedding + 8] = torch.eye(8)
    before = {name: value.clone() for name, value in model.fan.fc.state_dict().items()}
    clips = face.compose_clips(variants, 4, torch.Generator().manual_seed(9))
    recipe = face.RECIPES[architecture]
    uniform = face.clip_accuracy(model, clips, truth.numpy() + 1, recipe, uniform=True)
    face.train_attention(model, variants, truth.numpy() + 1, 4, recipe, epochs=40, rate=1e-2)
    attended = face.clip_accuracy(model, clips, truth.numpy() + 1, recipe)
    assert attended > max(uniform + 0.15, 0.9)
    for name, value in model.fan.fc.state_dict().items():
        assert torch.equal(value, before[name])


def test_training_run_writes_a_model_that_the_robot_loads(data, tmp_path, monkeypatch):
    monkeypatch.setattr(face_run, "ATTENTION_STILLS", 14)
    monkeypatch.setattr(face_run, "CHECKED_STILLS", 7)
    readings = {"frame_weights": "beta"}
    optimisation = Optimisation(((8, 3e-3),), batch=7, warm_up=2, average=0.8)
    recipe = face.FaceRecipe("resnet-fan", 48, optimisation, readings=readings)
    reports = []
    with pytest.raises(CorpusError, match="fer2013 is not whole"):
        face_run.train_face(data, tmp_path, recipe)
    sidecar = face_run.train_face(
        data, tmp_path, recipe, reports.append, name="made", allow_partial=True, command="a command"
    )
    metadata = load_metadata(sidecar)
    assert metadata.readings == metadata.scores["recipe"]["readings"] == readings
    assert metadata.scores["command"] == "a command"
    assert metadata.class_ids == (1, 3, 4, 5, 6, 7, 8)
    assert metadata.preprocessing.gray and metadata.preprocessing.source_pixels == 48
    assert json.loads(sidecar.read_text())["scores"]["recipe"]["optimisation"]["seed"] == 1
    assert reports[-1]["stage"] == "whole" and 0 <= reports[-1]["validation_accuracy"] <= 1
    scores = score_faces(data, sidecar)
    assert (scores.n, scores.not_found) == (14, 0)
    assert scores.accuracy == pytest.approx(sum(scores.confusion[k][k] for k in range(7)) / 14)
    test = fer2013.load(data)["test"]
    single = Classifier(metadata).classify_clip([np.repeat(test.images[0][..., None], 3, axis=2)])
    assert single.class_ids == metadata.class_ids and abs(single.probabilities.sum() - 1) < 1e-9


def test_pictures_that_cannot_be_read_are_told_or_stop(data, tmp_path, monkeypatch):
    folder = tmp_path / "data"
    with zipfile.ZipFile(data / fer2013.ARCHIVE) as archive:
        archive.extractall(folder)
    broken = folder / "train" / "happy" / "99.png"
    broken.write_bytes(b"no picture")
    monkeypatch.setattr(face_run, "train_backbone", lambda *given: pytest.fail("trained"))
    with pytest.raises(UnreadableFile, match="99.png: cannot be read"):
        face_run.train_face(folder, tmp_path / "o", SMALL, allow_partial=True, on_unreadable="stop")

    class TrainedError(Exception):
        pass

    def train(*given):
        raise TrainedError

    monkeypatch.setattr(face_run, "train_backbone", train)
    seen = []
    with pytest.raises(TrainedError):
        face_run.train_face(folder, tmp_path / "o", SMALL, seen.append, allow_partial=True)
    assert [(one["stage"], one["path"]) for one in seen] == [("unreadable", str(broken))]
    assert "picture" in seen[0]["reason"]


def test_scores_refuse_an_unknown_split(data, tmp_path):
    with pytest.raises(ValueError, match="split"):
        score_faces(data, tmp_path / "none.json", split="all")
