"""Message types of bags: those of ROS, this package's and audio_common_msgs's, and what a bag says of its own.

This package's and audio_common_msgs's definitions are read from .msg files, the repository's or the installed ones, so
that bags without definitions (sqlite3 before Iron) can be read, too.
"""

import os
import sys
from functools import lru_cache
from pathlib import Path

from rosbags.typesys import Stores, get_types_from_msg, get_typestore

OWN = {
    "emotion_recognition": ("Emotion", "FaceSample", "FaceSamples", "MfccWindow"),
    "audio_common_msgs": ("AudioData", "AudioDataStamped", "AudioInfo"),
}
ROOT = Path(__file__).resolve().parents[2]


class UnknownTypeError(ValueError):
    """Neither the bag nor this package defines a type."""


class TypeStore:
    """Turns messages into bytes and back; a bag's own definition of a type counts first."""

    def __init__(self):
        self.store = get_typestore(Stores.ROS2_KILTED)
        self._own = dict(own_types())

    def add(self, name: str, definition: str) -> None:
        """Take a bag's definition (.msg text, with those it needs) of a type; what cannot be read is passed over."""
        if not definition or name in self.store.fielddefs:
            return
        try:
            types = get_types_from_msg(definition, name)
        except Exception:  # rosbags raises its parser's errors of all kinds
            return
        for one, fields in types.items():
            if one not in self.store.fielddefs:
                self.store.register({one: fields})

    def knows(self, name: str) -> bool:
        """Tell whether messages of a type can be decoded."""
        if name in self._own and name not in self.store.fielddefs:
            self.store.register({one: fields for one, fields in self._own.items() if one not in self.store.fielddefs})
        return name in self.store.fielddefs

    def decode(self, name: str, data: bytes) -> object:
        """Return a message.

        Raises:
            UnknownTypeError: the type is not known.
            Exception: the bytes are not of it; of many kinds.
        """
        if not self.knows(name):
            raise UnknownTypeError(f"type {name} is not known; expected one that ROS, this package or the bag defines")
        return self.store.deserialize_cdr(data, name)

    def make(self, name: str, **fields: object) -> object:
        """Return a message object of a known type, for :meth:`encode`."""
        assert self.knows(name), name
        return self.store.types[name](**fields)

    def encode(self, message: object, name: str) -> memoryview:
        """Return the bytes of a message."""
        return self.store.serialize_cdr(message, name)


@lru_cache(maxsize=1)
def own_types() -> dict:
    """Return the definitions of this package's messages and of audio_common_msgs.

    Raises:
        FileNotFoundError: the .msg files are neither in the source tree nor installed.
    """
    found = {}
    for package, names in OWN.items():
        folder = _folder(package)
        for name in names:
            text = (folder / f"{name}.msg").read_text(encoding="utf-8")
            found.update(get_types_from_msg(text, f"{package}/msg/{name}"))
    return found


def _folder(package: str) -> Path:
    prefixes = [Path(prefix) for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if prefix]
    places = [
        ROOT / "msg" if package == "emotion_recognition" else ROOT / "interfaces" / package / "msg",
        *(prefix / "share" / package / "msg" for prefix in [*prefixes, Path(sys.prefix)]),
    ]
    for place in places:
        if (place / f"{OWN[package][0]}.msg").is_file():
            return place
    raise FileNotFoundError(f"no .msg files of {package} in {', '.join(map(str, places))}: run `make setup`")
