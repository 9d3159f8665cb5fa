"""What every data set of recordings is read into: clips, and the corpus they stand in."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

MODALITIES = ("audio", "video", "audio-visual")
CHANNELS = ("speech", "song")
SEXES = ("female", "male")


class CorpusError(ValueError):
    """A folder is not the data set it should be; the text says what was found, what was expected and what to do."""


@dataclass(frozen=True, order=True)
class Clip:
    """One recording: its file, and what the file's name says.

    Attributes:
        name: file name without suffix, unique in its corpus.
        path: the file.
        corpus: ``ravdess``, ``cremad`` or ``emodb``.
        class_id: emotion, 1 to 8 (:mod:`emotion_recognition.emotions`).
        actor: number of the actor in the corpus.
        modality: what the file holds: one of MODALITIES; ``video`` has no sound.
        channel: one of CHANNELS.
        intensity: 0 not stated; RAVDESS 1 normal, 2 strong; CREMA-D 1 low, 2 medium, 3 high.
        statement: what is said, as the name codes it.
        repetition: from 1.
        sex: the actor's, one of SEXES; empty where the names do not tell.
    """

    name: str
    path: Path
    corpus: str
    class_id: int
    actor: int
    modality: str = "audio"
    channel: str = "speech"
    intensity: int = 0
    statement: str = ""
    repetition: int = 1
    sex: str = ""


@dataclass(frozen=True)
class Extent:
    """Some of a data set: its actors and its number of clips."""

    actors: tuple[int, ...]
    clips: int

    def __bool__(self) -> bool:
        """Say whether there is any."""
        return bool(self.actors or self.clips)


@dataclass(frozen=True)
class Corpus:
    """A data set as found in a folder.

    Attributes:
        name: ``ravdess``, ``cremad`` or ``emodb``.
        folder: where it was looked for.
        clips: in the order of their names.
        copies: names of files left out because another file holds the same recording: byte copies, and the same name
            in a second format.
        unrecognised: number of media files whose names are not of this data set.
        left_out: names of recordings of an emotion that is none of the eight classes (EMO-DB's boredom).
        extent: the whole data set as published, copies and what is left out included; None if not known.
    """

    name: str
    folder: Path
    clips: tuple[Clip, ...]
    copies: tuple[str, ...] = ()
    unrecognised: int = 0
    left_out: tuple[str, ...] = ()
    extent: Extent | None = field(default=None)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the clips."""
        return tuple(clip.name for clip in self.clips)

    @property
    def class_ids(self) -> np.ndarray:
        """Class ids of the clips, int64 (N,)."""
        return np.array([clip.class_id for clip in self.clips], np.int64)

    @property
    def actors(self) -> np.ndarray:
        """Actors of the clips, int64 (N,)."""
        return np.array([clip.actor for clip in self.clips], np.int64)

    @property
    def missing(self) -> Extent:
        """What the data set as published has beyond this: actors without a clip, and the number of clips."""
        if self.extent is None:
            return Extent((), 0)
        here = {clip.actor for clip in self.clips}
        names = {*self.names, *self.copies, *self.left_out}
        return Extent(tuple(a for a in self.extent.actors if a not in here), max(0, self.extent.clips - len(names)))

    def check_whole(self) -> None:
        """Check that the data set is whole.

        Raises:
            CorpusError: actors or clips are missing.
        """
        missing = self.missing
        if not missing or self.extent is None:
            return
        whole = self.extent
        text = f"{self.folder}: {self.name} is not whole: found {whole.clips - missing.clips} of {whole.clips} clips"
        if missing.actors:
            shown = ", ".join(map(str, missing.actors[:6])) + (", …" if len(missing.actors) > 6 else "")
            text += f" and no clip of {len(missing.actors)} of {len(whole.actors)} actors ({shown})"
        raise CorpusError(f"{text}: fetch what is missing, or allow a partial data set")
