"""The second training on stills, whose targets trust the labels only in part."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from emotion_recognition import weights  # noqa: E402
from emotion_recognition.classifiers import VisualClassifier  # noqa: E402
from emotion_recognition.datasets.fer2013 import Faces  # noqa: E402
from emotion_recognition.engines import load_metadata  # noqa: E402
from emotion_recognition.training import face, face_refine  # noqa: E402
from emotion_recognition.training.changes import Changes  # noqa: E402
from emotion_recognition.training.face_refine import Refinement  # noqa: E402
from emotion_recognition.training.loop import Optimisation  # noqa: E402

STEP = Optimisation(((2, 3e-3),), batch=7, warm_up=2, average=0.5)
SMALL = face.FaceRecipe("resnet-fan", 32, STEP, refinement=Refinement(STEP))


@pytest.fixture(scope="module")
def faces():
    rng = np.random.default_rng(0)
    ids = np.repeat(np.array([1, 3, 4, 5, 6, 7, 8]), 3)
    images = rng.integers(0, 256, (len(ids), 48, 48)).astype(np.uint8)
    return Faces(images, ids, tuple(f"{number}.png" for number in range(len(ids))), ())


def test_targets_are_the_labels_and_the_mean_over_a_still_and_its_mirror_image(faces):
    def logits_of(images):
        # Sure of class 1 where the left half is the brighter one, else of class 4.
        left = images[:, :, :24].mean((1, 2)) > images[:, :, 24:].mean((1, 2))
        out = np.zeros((len(images), 8), np.float32)
        out[left, 0] = 50
        out[~left, 3] = 50
        return out

    places = np.searchsorted(SMALL.present, faces.class_ids)
    made = face_refine.refined_targets(faces, places, SMALL.columns, 0.6, logits_of)
    expected = 0.6 * np.eye(7)[places]
    expected[:, 0] += 0.2
    expected[:, 2] += 0.2  # class 4 is the third of those present
    np.testing.assert_allclose(made.numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(("trust", "teacher"), [(1.1, "self"), (-0.1, "self"), (0.5, "me")])
def test_wrong_settings_are_refused(trust, teacher):
    with pytest.raises(ValueError, match="expected 0 to 1, and 'self' or 'shipped'"):
        Refinement(STEP, trust, teacher)


def test_the_shipped_teacher_sees_what_the_robot_sees(faces):
    teacher = face_refine.shipped_teacher()
    seen = face.still_logits(teacher, faces.images, face_refine.TEACHER_SIZE)
    classifier = VisualClassifier(load_metadata(weights.FACE))
    assert load_metadata(weights.FACE).preprocessing.size == face_refine.TEACHER_SIZE
    columns = np.array(load_metadata(weights.FACE).class_ids) - 1
    for image, row in zip(faces.images[:4], seen, strict=False):
        robot = classifier.classify_clip([np.repeat(image[..., None], 3, axis=2)])
        assert robot.probabilities.argmax() == row[columns].argmax()


def test_a_killed_refinement_ends_with_the_weights_of_an_unbroken_one(faces, tmp_path):
    whole = face.train_backbone(faces, faces, SMALL, None, lambda figures: None)
    first = face.train_backbone(faces, faces, dataclasses.replace(SMALL, refinement=None), None, lambda figures: None)
    assert any(not torch.equal(value, first.state_dict()[name]) for name, value in whole.state_dict().items())

    class KilledError(Exception):
        pass

    seen = []

    def kill(figures):
        seen.append(figures["epoch"])
        if len(seen) == 3:
            raise KilledError

    checkpoint = tmp_path / "c.safetensors"
    with pytest.raises(KilledError):
        face.train_backbone(faces, faces, SMALL, checkpoint, kill)
    after = []
    resumed = face.train_backbone(faces, faces, SMALL, checkpoint, lambda figures: after.append(figures["epoch"]))
    assert seen == [1, 2, 1] and after == [2]
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    other = dataclasses.replace(SMALL, refinement=Refinement(STEP, trust=0.9))
    with pytest.raises(ValueError, match="trust 0.5, not 0.9"):
        face.train_backbone(faces, faces, other, checkpoint, lambda figures: None)


def test_a_given_number_of_epochs_leaves_the_second_training_out():
    assert Changes(epochs=3).applied(SMALL).refinement is None
    assert Changes(rate=1e-3).applied(SMALL).refinement == SMALL.refinement
    kept = dataclasses.replace(SMALL.refinement, optimisation=dataclasses.replace(STEP, batch=8))
    assert Changes(batch=8).applied(SMALL).refinement == kept


def test_a_checkpoint_names_the_weights_of_a_shipped_teacher():
    shipped = face_refine.described(dataclasses.replace(face.RECIPES["ghostnet-tam-fan"].refinement, teacher="shipped"))
    own = face_refine.described(face.RECIPES["resnet-fan"].refinement)
    assert shipped["teacher_weights"] == load_metadata(weights.FACE).weights_sha256
    assert own == {"trust": 0.5, "teacher": "self"}
