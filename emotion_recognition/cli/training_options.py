"""Options that ``train``, ``cross-validate`` and ``search`` share, and what they mean for the library."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from emotion_recognition.cli.output import EXIT_USAGE, fail, load
from emotion_recognition.models.configurations import readings_in_words


class Channel(str, Enum):
    """RAVDESS's vocal channels."""

    speech = "speech"
    song = "song"
    all = "all"


class OnUnreadable(str, Enum):
    """What a file that cannot be read does to a training."""

    skip = "skip"
    stop = "stop"


class Augmentations(str, Enum):
    """How versions of a clip are drawn."""

    robot = "robot"
    paper = "paper"
    none = "none"


class Precisions(str, Enum):
    """What the forward pass of a training computes in."""

    float32 = "float32"
    bfloat16 = "bfloat16"


class Protocols(str, Enum):
    """Protocols that can be trained."""

    p1 = "p1"
    p1_split = "p1-split"
    p2 = "p2"
    p3 = "p3"
    p4 = "p4"
    p5 = "p5"


Model = Annotated[
    str, typer.Argument(help="F1 to F4, S1 to S3, resnet-fan, speech-resnet, or another name in models.configurations.")
]
Data = Annotated[Path, typer.Option(help="Folder with the data set.", exists=True, file_okay=False)]
Output = Annotated[Path, typer.Option(help="Folder to write to; what is there goes on.", file_okay=False)]
Corpus = Annotated[str, typer.Option(help="ravdess, cremad or emodb; found out by the file names if left out.")]
ChannelOption = Annotated[Channel, typer.Option(help="Of RAVDESS.")]
Classes = Annotated[int, typer.Option(help="8, or 6 (CREMA-D's); those of the data set if left out.")]
Epochs = Annotated[int | None, typer.Option(help="Passes over the data, instead of the recipe's.", min=1)]
Rate = Annotated[float | None, typer.Option(help="Peak learning rate, instead of the recipe's.")]
Dropout = Annotated[float | None, typer.Option(help="Of a speech network, instead of the recipe's.")]
Batch = Annotated[int | None, typer.Option(help="Examples a step, instead of the recipe's.", min=2)]
Seed = Annotated[int | None, typer.Option(help="Where all random draws start.", min=0)]
Precision = Annotated[
    Precisions | None,
    typer.Option(help="Of the forward pass in training, instead of the recipe's; bfloat16 is mixed precision."),
]
Readings = Annotated[
    list[str] | None,
    typer.Option(
        "--reading",
        metavar="NAME=VALUE",
        help=f"How a point that the paper leaves open is read: {readings_in_words()}; the first of each is the "
        "default. May be given several times.",
    ),
]
Unreadable = Annotated[OnUnreadable, typer.Option("--on-unreadable", help="What to do about a file that is.")]
Cache = Annotated[Path | None, typer.Option(help="Folder of crops and features; the user's cache if left out.")]
SkipFrames = Annotated[int, typer.Option(help="Video frames left out at the start of a clip.", min=0)]
Augmentation = Annotated[
    Augmentations | None,
    typer.Option(
        help="How S1 to S3 draw versions of a clip: robot, paper (noise, pitch and rate only: no gain), or none."
    ),
]
Mixup = Annotated[float | None, typer.Option(help="How S1 to S3 mix pairs of clips, 0 for not at all.")]
SideWeight = Annotated[
    float | None,
    typer.Option(help="How much speech-resnet learns intensity and sex beside the emotion, 0 for not at all."),
]
Added = Annotated[
    Path | None,
    typer.Option(help="Folder of another data set that every training learns from too.", exists=True, file_okay=False),
]
Jobs = Annotated[int | None, typer.Option(help="Trainings at a time; the machine's cores if left out.", min=1)]
Scheduler = Annotated[str | None, typer.Option(help="Dask scheduler that runs them, tcp://HOST:PORT.")]
Partial = Annotated[bool, typer.Option("--allow-partial", help="The data set, and one that is added, may lack clips.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


# What a training on clips takes and one on pictures does not.
CLIPS_ONLY = ("corpus", "channel", "classes", "cache", "skip_frames", "added", "augmentation", "mixup", "side_weight")


@dataclass(frozen=True)
class Settings:
    """The shared options as they were given."""

    model: str
    data: Path
    corpus: str = ""
    channel: Channel = Channel.speech
    classes: int = 0
    epochs: int | None = None
    rate: float | None = None
    dropout: float | None = None
    batch: int | None = None
    seed: int | None = None
    on_unreadable: OnUnreadable = OnUnreadable.skip
    cache: Path | None = None
    skip_frames: int = 0
    added: Path | None = None
    augmentation: Augmentations | None = None
    mixup: float | None = None
    side_weight: float | None = None
    precision: Precisions | None = None
    readings: Mapping[str, str | bool] = field(default_factory=dict)

    def changes(self) -> Any:
        """Return the changes to the recipe."""
        changes = load("emotion_recognition.training.changes").Changes
        return changes(
            epochs=self.epochs, rate=self.rate, dropout=self.dropout, batch=self.batch, seed=self.seed,
            augmentation=_value(self.augmentation), mixup=self.mixup, side_weight=self.side_weight,
            precision=_value(self.precision), readings=self.readings,
        )  # fmt: skip

    def task(self) -> Any:
        """Return the library's task."""
        return load("emotion_recognition.training.learners").Task(
            model=self.model, data=str(self.data), corpus=self.corpus, channel=self.channel.value,
            classes=self.classes, changes=self.changes(), on_unreadable=self.on_unreadable.value,
            cache=str(self.cache or ""), skip_frames=self.skip_frames, added=str(self.added or ""),
        )  # fmt: skip

    def command(self, name: str, **more: Any) -> str:
        """Return the command line that a record keeps, without this machine's folders."""
        words = ["emotion-recognition", name, self.model, "--data", "FOLDER"]
        given = {
            "channel": self.channel.value if self.channel is not Channel.speech else None,
            "classes": self.classes or None, "epochs": self.epochs, "rate": self.rate, "dropout": self.dropout,
            "batch": self.batch, "seed": self.seed, "precision": _value(self.precision),
            "skip_frames": self.skip_frames or None, "added": "FOLDER" if self.added else None,
            "augmentation": _value(self.augmentation), "mixup": self.mixup, "side_weight": self.side_weight, **more,
        }  # fmt: skip
        for key, value in self.readings.items():
            words += ["--reading", f"{key}={str(value).lower()}"]
        for key, value in given.items():
            if value is not None and value is not False:
                words += [f"--{key.replace('_', '-')}"] + ([] if value is True else [str(value)])
        return shlex.join(words)


def _value(given: Enum | None) -> str | None:
    return None if given is None else given.value


def check_stills(settings: Settings, **more: Any) -> None:
    """End the command if options are given that a training on FER2013's pictures has no use for.

    Args:
        settings: the shared options.
        more: others of the command; those given are neither None nor False.
    """
    defaults = {one.name: one.default for one in fields(Settings)}
    given = [name for name in CLIPS_ONLY if getattr(settings, name) != defaults[name]]
    given += [name for name, value in more.items() if value is not None and value is not False]
    if given:
        words = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        fail(f"{words}: of no use to a training on FER2013's pictures; leave out what is not of it", EXIT_USAGE)


def parse_readings(model: str, given: Sequence[str] | None) -> dict[str, str | bool]:
    """Return readings by name, given as NAME=VALUE; end the command if the model has no such reading or value."""
    configurations = load("emotion_recognition.models.configurations")
    found: dict[str, str | bool] = {}
    try:
        for text in given or ():
            name, value = configurations.parse_reading(text)
            if found.get(name, value) != value:
                raise ValueError(f"reading {name}: given as {found[name]} and as {value}; expected one of them")
            found[name] = value
        configurations.checked_readings(model, found)
    except ValueError as problem:
        fail(str(problem), EXIT_USAGE)
    return found


def check_model(model: str) -> None:
    """End the command if no model has that name."""
    try:
        load("emotion_recognition.models.configurations").configuration(model)
    except ValueError as problem:
        fail(str(problem), EXIT_USAGE)
