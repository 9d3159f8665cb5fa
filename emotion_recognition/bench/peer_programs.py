"""The programs that `make bench-peers` compares: each function returns one from an input to what came of it.

They run in two environments, so each imports what it needs itself. Every library is given one thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

RATE = 16000
Program = Callable[[np.ndarray], str]


def own_emotion() -> Program:
    """Return this package's search of the whole frame, crop and network, no frame kept."""
    from emotion_recognition.bench.decision import robot_classifier, robot_detector
    from emotion_recognition.faces import crop_face
    from emotion_recognition.parameters import defaults

    detector, classifier = robot_detector(), robot_classifier()
    margin = defaults("face_detector")["crop_margin"]

    def run(rgb: np.ndarray) -> str:
        found = [classifier.classify_clip([crop_face(rgb, face.box, margin)]) for face in detector.detect(rgb)]
        return _labels([_label(one.class_ids[int(one.probabilities.argmax())]) for one in found])

    return run


def own_live() -> Program:
    """Return this package as it runs live: tracked faces are refined, 15 frames decide."""
    from emotion_recognition.bench.decision import frame_step_ns, robot_classifier, robot_detector, robot_pipeline

    pipeline, classifier, step = robot_pipeline(robot_detector()), robot_classifier(), frame_step_ns()
    stamps = iter(range(step, 1 << 62, step))

    def run(rgb: np.ndarray) -> str:
        stamp = next(stamps)
        found = [classifier.update(one.track_id, one.crop, stamp) for one in pipeline.process(rgb, stamp)]
        return _labels([_label(one.class_ids[int(one.probabilities.argmax())]) for one in found])

    return run


def own_detection() -> Program:
    """Return this package's search of the whole frame."""
    from emotion_recognition.bench.decision import robot_detector

    detector = robot_detector()
    return lambda rgb: _faces(len(detector.detect(rgb)))


def own_mfcc() -> Program:
    """Return this package's MFCCs of a whole window."""
    from emotion_recognition.features import create_mfcc

    mfcc = create_mfcc()
    return lambda clip: _shape(mfcc(clip))


def fer(mtcnn: bool = False) -> Program:
    """Return fer as its documentation has it: OpenCV's cascade, or facenet-pytorch's MTCNN, and its TFLite network."""
    import cv2

    cv2.setNumThreads(1)
    if mtcnn:
        _facenet()
    from fer.fer import FER

    detector = FER(mtcnn=mtcnn)

    def run(rgb: np.ndarray) -> str:
        found = detector.detect_emotions(np.ascontiguousarray(rgb[:, :, ::-1]))
        return _labels([max(one["emotions"], key=one["emotions"].get) for one in found])

    return run


def fer_mtcnn() -> Program:
    """Return fer with MTCNN in place of the cascade."""
    return fer(mtcnn=True)


def facemood() -> Program:
    """Return facemood's model as its camera loop, all it offers, calls it: the whole frame, no face looked for."""
    from importlib.resources import files

    import tensorflow
    from PIL import Image

    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    import facemood as package

    labels = "angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"
    model = tensorflow.keras.models.load_model(str(files(package).joinpath("model__version1.0.0__.h5")))

    def run(rgb: np.ndarray) -> str:
        picture = np.asarray(Image.fromarray(rgb).resize((170, 170)))[np.newaxis] / 255.0
        return labels[int(model.predict(picture, verbose=0).argmax())]

    return run


def facenet(min_face_size: int = 20) -> Program:
    """Return facenet-pytorch's MTCNN with its defaults."""
    mtcnn = _facenet()(keep_all=True, min_face_size=min_face_size)

    def run(rgb: np.ndarray) -> str:
        boxes, _ = mtcnn.detect(rgb)
        return _faces(0 if boxes is None else len(boxes))

    return run


def facenet_60() -> Program:
    """Return facenet-pytorch's MTCNN told to look for faces as large as this package does."""
    return facenet(60)


def librosa_mfcc() -> Program:
    """Return librosa's MFCCs with its defaults: 2048 samples every 512, 128 bands."""
    import librosa

    return lambda clip: _shape(librosa.feature.mfcc(y=clip, sr=RATE, n_mfcc=40))


def _facenet():
    import torch

    from emotion_recognition.faces.torchvision_shim import import_torchvision

    torch.set_num_threads(1)
    import_torchvision()
    from facenet_pytorch import MTCNN

    return MTCNN


def _label(number: int) -> str:
    from emotion_recognition.emotions import label_of

    return label_of(number)


def _labels(found: list[str]) -> str:
    return ", ".join(found) or "no face"


def _faces(count: int) -> str:
    return f"{count} face{'s' * (count != 1)}"


def _shape(array: np.ndarray) -> str:
    return " x ".join(map(str, array.shape))


@dataclass(frozen=True)
class Entry:
    """One program of the comparison.

    Attributes:
        task: what it does; programs of one task are compared.
        words: what it is.
        make: returns the program.
        inputs: ``frames`` or ``clips``.
        packages: whose versions are named.
        is_own: of this package, and in its environment.
    """

    task: str
    words: str
    make: Callable[[], Program]
    inputs: str
    packages: tuple[str, ...]
    is_own: bool = False


EMOTION, DETECTION, MFCC = "frame to emotions", "faces in a frame", "40 MFCCs of 3 s"
OWN = ("numpy", "onnxruntime")
ENTRIES = {
    "own_live": Entry(EMOTION, "this package, as live", own_live, "frames", OWN, True),
    "own_emotion": Entry(EMOTION, "this package, each frame by itself", own_emotion, "frames", OWN, True),
    "fer": Entry(EMOTION, "fer", fer, "frames", ("fer", "tensorflow-cpu", "opencv-python-headless")),
    "fer_mtcnn": Entry(EMOTION, "fer, mtcnn=True", fer_mtcnn, "frames", ("fer", "facenet-pytorch", "torch")),
    "facemood": Entry(
        EMOTION, "facemood (looks for no face)", facemood, "frames", ("facemood", "tensorflow-cpu", "keras")
    ),
    "own_detection": Entry(DETECTION, "this package", own_detection, "frames", OWN, True),
    "facenet": Entry(DETECTION, "facenet-pytorch's MTCNN", facenet, "frames", ("facenet-pytorch", "torch")),
    "facenet_60": Entry(
        DETECTION, "facenet-pytorch's MTCNN, min_face_size=60", facenet_60, "frames", ("facenet-pytorch", "torch")
    ),
    "own_mfcc": Entry(MFCC, "this package", own_mfcc, "clips", ("numpy",), True),
    "librosa": Entry(MFCC, "librosa", librosa_mfcc, "clips", ("librosa", "numba", "numpy")),
}
