"""The models as data: what a name stands for. Nothing here needs torch, so the robot can read it.

The paper's switches are F1 to F4 (GhostNet, with triplet attention, with frame attention, with both) and S1 to S3
(widths of the speech network): Lu, Lu & Lin, "Lightweight Multimodal Emotion Recognition for Companion Robots". Where
its text leaves a reading open, an option names it, and the default is the reading that gives the paper's own 919,086
parameters.
"""

from collections.abc import Mapping
from dataclasses import dataclass

COEFFICIENTS = 40
CLASSES = 8


@dataclass(frozen=True)
class FaceConfiguration:
    """A visual network: frames to embeddings, embeddings of a clip to logits.

    Attributes:
        paper: the paper's name for it, empty if it is not the paper's.
        backbone: ``ghostnet`` or ``resnet``.
        triplet_attention: in the bottlenecks that have it (``ghostnet`` only).
        frame_attention: weighs the frames of a clip; without it they are averaged.
        embedding: values a frame.
        size: side in pixels of the input it is judged at.
    """

    paper: str
    backbone: str
    triplet_attention: bool
    frame_attention: bool
    embedding: int
    size: int

    parts = ("backbone", "fan")

    @property
    def readings(self) -> tuple[str, ...]:
        """Names in READINGS that the model has a place for."""
        has = {
            "depthwise": self.backbone == "ghostnet",
            "triplet_residual": self.triplet_attention,
            "frame_weights": self.frame_attention,
        }
        return tuple(name for name, found in has.items() if found)


@dataclass(frozen=True)
class SpeechConfiguration:
    """A speech network: MFCCs to logits.

    Attributes:
        paper: the paper's name for it, empty if it is not the paper's.
        network: ``cnn`` reads the time-mean (40,), ``resnet`` the whole matrix (40, T).
        variant: key of ``models.speech_cnn.VARIANTS`` for ``cnn``.
    """

    paper: str
    network: str
    variant: str = ""

    parts = ("speech",)

    @property
    def readings(self) -> tuple[str, ...]:
        """Names in READINGS that the model has a place for."""
        return ("prelu",) if self.network == "cnn" else ()

    @property
    def reads_matrix(self) -> bool:
        """Whether the input is the matrix of MFCCs over time, not their mean."""
        return self.network == "resnet"


Configuration = FaceConfiguration | SpeechConfiguration

FACE = {
    "ghostnet": FaceConfiguration("F1", "ghostnet", False, False, 576, 224),
    "ghostnet-tam": FaceConfiguration("F2", "ghostnet", True, False, 576, 224),
    "ghostnet-fan": FaceConfiguration("F3", "ghostnet", False, True, 576, 224),
    "ghostnet-tam-fan": FaceConfiguration("F4", "ghostnet", True, True, 576, 224),
    "resnet-fan": FaceConfiguration("", "resnet", False, True, 72, 48),
}
SPEECH = {
    "speech-cnn-s1": SpeechConfiguration("S1", "cnn", "s1"),
    "speech-cnn-s2": SpeechConfiguration("S2", "cnn", "s2"),
    "speech-cnn-s3": SpeechConfiguration("S3", "cnn", "s3"),
    "speech-resnet": SpeechConfiguration("", "resnet"),
}
CONFIGURATIONS: dict[str, Configuration] = {**FACE, **SPEECH}

# Readings the paper leaves open; the first of each is the default.
READINGS: dict[str, tuple[str | bool, ...]] = {
    "depthwise": ("every", "strided"),  # in every bottleneck, or where Huawei's GhostNet has it: at stride 2 only
    "triplet_residual": (False, True),  # eq. 4 has no residual path, the text speaks of one
    "frame_weights": ("alpha_beta", "beta"),  # what weighs the frames of the clip's vector
    "prelu": ("element", "channel"),  # one weight for each element (channel x position) or for each channel
}


def configuration(name: str) -> Configuration:
    """Return the configuration of a model by its own name or by the paper's (``F4``, ``s2``).

    Raises:
        ValueError: no model of that name.
    """
    for own, found in CONFIGURATIONS.items():
        if name == own or (found.paper and name.upper() == found.paper):
            return found
    known = [f"{own} ({found.paper})" if found.paper else own for own, found in CONFIGURATIONS.items()]
    raise ValueError(f"model {name!r} is not known; expected one of {', '.join(known)}")


def own_name(name: str) -> str:
    """Return a model's own name, given that or the paper's.

    Raises:
        ValueError: no model of that name.
    """
    found = configuration(name)
    return next(own for own, configured in CONFIGURATIONS.items() if configured == found)


def checked_readings(name: str, readings: Mapping[str, str | bool]) -> dict[str, str | bool]:
    """Return every reading that a model has a place for, with its value; the default where none is given.

    Raises:
        ValueError: no model of that name, a reading that it has no place for, or a value that is none of it.
    """
    applying = configuration(name).readings
    for key, value in readings.items():
        if key not in applying:
            raise ValueError(f"{name} has no reading {key!r}; it has {', '.join(applying) or 'none'}")
        # In Python 0 is False.
        if not any(type(value) is type(one) and value == one for one in READINGS[key]):
            raise ValueError(f"{key} is {value!r}, expected one of {', '.join(map(repr, READINGS[key]))}")
    return {key: readings.get(key, READINGS[key][0]) for key in applying}


def other_readings(name: str, readings: Mapping[str, str | bool]) -> dict[str, str | bool]:
    """Return those of a model's readings that are not the default; for errors see :func:`checked_readings`."""
    return {key: value for key, value in checked_readings(name, readings).items() if value != READINGS[key][0]}


def readings_in_words() -> str:
    """Return all readings and their values as :func:`parse_reading` takes them."""
    return ", ".join(f"{key}={'|'.join(str(one).lower() for one in values)}" for key, values in READINGS.items())


def parse_reading(text: str) -> tuple[str, str | bool]:
    """Return name and value of a reading as it is given in words, ``prelu=channel`` or ``triplet_residual=true``.

    Raises:
        ValueError: not NAME=VALUE, or no such reading or value.
    """
    key, _, value = text.partition("=")
    if key not in READINGS:
        raise ValueError(f"reading {text!r}: expected one of {readings_in_words()}")
    values = {str(one).lower(): one for one in READINGS[key]}
    if value not in values:
        raise ValueError(f"reading {text!r}: {key} is {value!r}, expected one of {', '.join(values)}")
    return key, values[value]
