"""Action units of the faces in RAVDESS's videos: one vector for each clip.

Facial action units after P. Ekman and W. V. Friesen, as OpenFace estimates them (T. Baltrusaitis et al., "OpenFace
2.0", https://doi.org/10.1109/FG.2018.00019): 17 intensities and 18 presences, means over the frames of the clip.
"""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

UNITS = 35
_MODALITY = 3  # characters of a RAVDESS name that say the modality: the same performance has several


def load_action_units(path: Path | str, names: Sequence[str]) -> np.ndarray:
    """Return the action units of the performances that RAVDESS names stand for, float32 (N, 35), in their order.

    The first number of a name, the modality, does not count: ``03-01-05-01-01-01-01`` is the sound of the performance
    that ``01-01-05-01-01-01-01`` shows.

    Args:
        path: an .npz file with ``clip`` (M,) names and ``au`` (M, 35).
        names: clip names.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is no such file, has a performance twice with different values, or lacks one of ``names``.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}: expected the action units of RAVDESS as .npz with 'clip' and 'au'")
    try:
        with np.load(path, allow_pickle=False) as stored:
            clips, units = stored["clip"], stored["au"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: expected an .npz file with 'clip' and 'au', without pickle ({error})") from error
    if clips.dtype.kind != "U" or units.dtype.kind != "f" or units.shape != (len(clips), UNITS):
        raise ValueError(
            f"{path}: clip {clips.dtype} {clips.shape} and au {units.dtype} {units.shape}; "
            f"expected names (M,) and numbers (M, {UNITS})"
        )
    rows: dict[str, int] = {}
    for row, name in enumerate(clips.tolist()):
        first = rows.setdefault(name[_MODALITY:], row)
        if first != row and not np.array_equal(units[first], units[row]):
            raise ValueError(f"{path}: '{name}' and '{clips[first]}' are one performance with different values")
    lacking = [name for name in names if name[_MODALITY:] not in rows]
    if lacking:
        raise ValueError(
            f"{path}: has {len(rows)} performances, but not {len(lacking)} of {len(names)} asked for, the first "
            f"'{lacking[0]}'; expected RAVDESS names"
        )
    result = units[[rows[name[_MODALITY:]] for name in names]].astype(np.float32).reshape(-1, UNITS)
    if not np.isfinite(result).all():
        raise ValueError(f"{path}: the action units of some clips are not finite; fetch the file again")
    return result
