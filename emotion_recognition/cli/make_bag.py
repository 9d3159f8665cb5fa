"""Command ``make-bag``: media files to a bag."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from emotion_recognition.cli.output import EXIT_USAGE, fail, load, print_json, say


class Images(str, Enum):
    """How pictures are written."""

    jpeg = "jpeg"
    raw = "raw"


class Storage(str, Enum):
    """What a bag is stored as."""

    mcap = "mcap"
    sqlite3 = "sqlite3"


class Compression(str, Enum):
    """What of a bag is compressed."""

    none = "none"
    message = "message"
    file = "file"
    chunk = "chunk"


def make_bag(
    media: Annotated[
        list[Path],
        typer.Argument(help="Media files, or folders of them; one after another.", metavar="MEDIA…", exists=True),
    ],
    output: Annotated[Path, typer.Option(help="Folder of the new bag.")],
    images: Annotated[Images, typer.Option(help="CompressedImage, or Image (rgb8).")] = Images.jpeg,
    quality: Annotated[int, typer.Option(help="Of JPEG files.", min=1, max=100)] = 90,
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT of every frame, for example 640x480.")] = "",
    stills: Annotated[
        Path | None,
        typer.Option(
            help="For clips without video: a picture, or a folder of them named as the clips or Actor_NN.png.",
            exists=True,
        ),
    ] = None,
    rate: Annotated[float, typer.Option(help="Frames a second of a still.", min=0.1, max=240)] = 30.0,
    gap: Annotated[float, typer.Option(help="Seconds between two clips.", min=0)] = 1.0,
    duration: Annotated[
        float | None, typer.Option(help="Seconds; the media are repeated until then. If left out, once each.", min=0.1)
    ] = None,
    storage: Annotated[Storage, typer.Option(help="Of the bag.")] = Storage.mcap,
    compression: Annotated[Compression, typer.Option(help="With zstd; chunk: MCAP only.")] = Compression.none,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write a bag of what camera and microphone would have published while the media played.

    Topics: image/compressed or image, audio_stamped, audio_info. Clips named as those of RAVDESS or CREMA-D give
    labels, which are written to labels.csv in the bag.
    """
    for module in ("rosbags", "av"):
        load(module)
    making = load("emotion_recognition.bags.making")
    how = making.Making(
        images.value, quality, _size(size), stills, rate, gap, duration, storage=storage.value,
        compression=compression.value,
    )  # fmt: skip
    try:
        made = making.make_bag(making.find_media(media), output, how)
    except (OSError, ValueError) as problem:
        fail(str(problem))
    for problem in made.problems:
        say(problem)
    if json:
        print_json({
            "bag": str(made.path), "duration_s": made.duration_s, "messages": made.messages, "labels": len(made.labels),
            "problems": list(made.problems),
        })  # fmt: skip
    else:
        typer.echo(f"{made.path}: {made.duration_s:.1f} s, {made.messages} messages, {len(made.labels)} labels")


def _size(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) and int(height)):
        fail(f"--size {text}: expected WIDTHxHEIGHT, for example 640x480", EXIT_USAGE)
    return int(width), int(height)
