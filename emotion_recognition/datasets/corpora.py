"""Opens a data set of recordings, whichever it is, and says what is wrong with a folder that is none."""

from pathlib import Path

from emotion_recognition.datasets import cremad, emodb, ravdess
from emotion_recognition.datasets.clips import Corpus, CorpusError
from emotion_recognition.datasets.scanning import Layout, check_request, describe, media_files, scan
from emotion_recognition.emotions import class_id

LAYOUTS = {layout.name: layout for layout in (ravdess.LAYOUT, cremad.LAYOUT, emodb.LAYOUT)}
FER2013 = "fer2013"
_PICTURES = (".jpg", ".jpeg", ".png")


def open_corpus(
    folder: Path | str, name: str | None = None, modality: str = "audio", channel: str = "speech"
) -> Corpus:
    """Return the clips of a data set below a folder.

    A set of which only a part is there is returned; ``missing`` says what it lacks, ``check_whole`` refuses it. No file
    is decoded, so one that cannot be read shows when it is read.

    Args:
        folder: where to look, at any depth.
        name: ``ravdess``, ``cremad`` or ``emodb``; None finds it out by the names of the files.
        modality: ``audio``, ``video`` (RAVDESS has files without sound for it) or ``audio-visual``.
        channel: ``speech``, ``song`` (RAVDESS) or ``all``.

    Raises:
        CorpusError: no folder, nothing of the data set in it, another data set or several, an impossible value in a
            name, or contradicting files; says what was found and what was expected.
        ValueError: an unknown data set, modality or channel.
    """
    check_request(modality, channel)
    if name is not None and name not in LAYOUTS:
        hint = ": it has no clips, read it with datasets.fer2013" if name == FER2013 else ""
        raise ValueError(f"data set '{name}'{hint}; expected one of {', '.join(LAYOUTS)}")
    files = media_files(folder)
    folder = Path(folder)
    found = {key: number for key, number in _recognised(files).items() if number}
    if name is None:
        if len(found) > 1:
            counts = ", ".join(f"{number} files of {LAYOUTS[key].title}" for key, number in found.items())
            raise CorpusError(f"{folder}: found {counts}; expected one data set: give its folder, or its name")
        if not found:
            raise CorpusError(_unknown(folder, list(LAYOUTS.values()), modality))
        name = next(iter(found))
    elif name not in found:
        looks = next((LAYOUTS[key].title for key in found), None)
        raise CorpusError(_unknown(folder, [LAYOUTS[name]], modality, looks))
    return scan(folder, LAYOUTS[name], modality, channel, files)


def _recognised(files: list[Path]) -> dict[str, int]:
    return {name: sum(_is_of(layout, path) for path in files) for name, layout in LAYOUTS.items()}


def _is_of(layout: Layout, path: Path) -> bool:
    try:
        return layout.parse(path) is not None
    except ValueError:
        return True


def _unknown(folder: Path, layouts: list[Layout], modality: str, looks: str | None = None) -> str:
    expected = " or ".join(f"{layout.title} ({layout.expected[modality]})" for layout in layouts)
    if looks is None and _looks_like_fer2013(folder):
        looks = "FER2013, which has pictures, not clips"
    what = f", which looks like {looks}" if looks else ""
    return f"{folder}: found {describe(folder)}{what}; expected {expected}"


def _looks_like_fer2013(folder: Path) -> bool:
    if any(path.is_file() for path in folder.glob("fer2013*.zip")):
        return True
    pictures = (path for path in folder.rglob("*") if path.suffix.lower() in _PICTURES)
    return any(class_id(path.parent.name) is not None for path in pictures)
