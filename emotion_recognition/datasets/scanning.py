"""From a folder of media files to a corpus, by the names of one data set."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from emotion_recognition.datasets.clips import CHANNELS, MODALITIES, Clip, Corpus, CorpusError, Extent
from emotion_recognition.emotions import UNKNOWN

# The first format is kept where a recording is there in several: .mp4 files of CREMA-D are made from its .flv files.
SOUND_SUFFIXES = (".wav", ".flac")
VIDEO_SUFFIXES = (".mp4", ".flv")
SUFFIXES = SOUND_SUFFIXES + VIDEO_SUFFIXES
_SHOWN = 3


@dataclass(frozen=True)
class Layout:
    """How a data set names its files.

    Attributes:
        name: short name.
        title: name in texts.
        expected: the names to expect, by modality, for error texts.
        parse: the clip that a file's name tells, with class id 0 if its emotion is none of the classes; None if the
            name is not of this data set; raises ValueError if it is but holds an impossible value.
        extent: the published set for a modality and a channel (or ``all``).
        holds: modality of the files that serve for one asked for, where these differ.
    """

    name: str
    title: str
    expected: Mapping[str, str]
    parse: Callable[[Path], Clip | None]
    extent: Callable[[str, str], Extent | None]
    holds: Mapping[str, str] = field(default_factory=dict)


def media_files(folder: Path | str) -> list[Path]:
    """Return the sound and video files below a folder, hidden ones left out, in the order of their names.

    Raises:
        CorpusError: there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CorpusError(f"no folder {folder}: expected the folder of a data set; give its path")
    files = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.name[0] != "."]
    files = [path for path in files if path.is_file()]
    return sorted(files, key=lambda path: (path.stem, SUFFIXES.index(path.suffix.lower()), str(path)))


def scan(
    folder: Path | str,
    layout: Layout,
    modality: str = "audio",
    channel: str = "speech",
    files: Iterable[Path] | None = None,
) -> Corpus:
    """Return the clips of a data set below a folder.

    Args:
        folder: where to look, at any depth.
        layout: the data set.
        modality: one of MODALITIES.
        channel: one of CHANNELS, or ``all``.
        files: the media files of the folder, if they are known already.

    Raises:
        CorpusError: no folder, no such clip in it, an impossible value in a name, two files of one name and format with
            different content, or one recording under two emotions.
        ValueError: another modality or channel.
    """
    check_request(modality, channel)
    folder = Path(folder)
    files = media_files(folder) if files is None else list(files)
    named: list[Clip] = []
    for path in files:
        try:
            clip = layout.parse(path)
        except ValueError as problem:
            raise CorpusError(f"{path}: {problem}") from None
        if clip is not None:
            named.append(clip)
    held = layout.holds.get(modality, modality)
    wanted = [clip for clip in named if clip.modality == held and channel in ("all", clip.channel)]
    if not wanted:
        raise CorpusError(_nothing_found(folder, layout, files, named, modality, channel))
    kept, copies = _without_copies(wanted)
    clips = tuple(clip for clip in kept if clip.class_id != UNKNOWN)
    if not clips:
        raise CorpusError(
            f"{folder}: all {len(kept)} clips of {layout.title} are of emotions that are no class of ours"
        )
    left_out = tuple(clip.name for clip in kept if clip.class_id == UNKNOWN)
    extent = layout.extent(modality, channel)
    return Corpus(layout.name, folder, clips, copies, len(files) - len(named), left_out, extent)


def check_request(modality: str, channel: str) -> None:
    """Raise ValueError unless ``modality`` is one of MODALITIES and ``channel`` one of CHANNELS or ``all``."""
    if modality not in MODALITIES:
        raise ValueError(f"modality '{modality}': expected one of {', '.join(MODALITIES)}")
    if channel not in (*CHANNELS, "all"):
        raise ValueError(f"channel '{channel}': expected one of {', '.join(CHANNELS)}, all")


def describe(folder: Path) -> str:
    """Return what a folder holds, for an error: files by suffix and the first names."""
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file() and path.name[0] != ".")
    if not files:
        return "no file"
    counts = Counter(path.suffix.lower() or "(no suffix)" for path in files).most_common(5)
    first = ", ".join(f"'{path.name}'" for path in files[:_SHOWN])
    return ", ".join(f"{number} {suffix}" for suffix, number in counts) + f", the first {first}"


def _nothing_found(
    folder: Path, layout: Layout, files: list[Path], named: list[Clip], modality: str, channel: str
) -> str:
    wanted = "sound and song" if channel == "all" else channel
    expected = f"expected {layout.title}, {modality} {wanted}, named {layout.expected[modality]}"
    if not named:
        return f"{folder}: found {describe(folder)}; {expected}"
    kinds = Counter((clip.modality, clip.channel) for clip in named)
    found = ", ".join(f"{number} {kind} {voice}" for (kind, voice), number in sorted(kinds.items()))
    return f"{folder}: found of {layout.title} only {found} ({len(files)} media files); {expected}"


def _without_copies(clips: list[Clip]) -> tuple[list[Clip], tuple[str, ...]]:
    """Return the clips that hold something new, in their order, and the names of the others."""
    sizes: dict[int, list[Clip]] = defaultdict(list)
    for clip in clips:
        sizes[clip.path.stat().st_size].append(clip)
    # Only files of one size can be equal; empty ones are broken, not copies.
    digests = {
        clip.path: hashlib.sha256(clip.path.read_bytes()).digest()
        for size, group in sizes.items() if size and len(group) > 1 for clip in group
    }  # fmt: skip
    kept: dict[str, Clip] = {}
    seen: dict[bytes, Clip] = {}
    copies: list[str] = []
    for clip in clips:
        digest = digests.get(clip.path)
        original = seen.get(digest) if digest else None
        if original is not None:
            if original.class_id != clip.class_id:
                raise CorpusError(
                    f"{clip.path} is a byte copy of {original.path} under another emotion: remove the wrong one"
                )
            copies.append(clip.name)
        elif clip.name in kept:
            other = kept[clip.name].path
            if other.suffix.lower() == clip.path.suffix.lower():
                raise CorpusError(f"{clip.path}: another file of that name, {other}, has other content; keep one")
            copies.append(clip.name)
        else:
            kept[clip.name] = clip
        if digest and original is None:
            seen[digest] = kept[clip.name]
    return list(kept.values()), tuple(copies)
