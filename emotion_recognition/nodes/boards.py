"""Profiles of boards: parameter files in config/boards that are laid over the defaults."""

from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

NO_BOARD = "none"


def boards() -> dict[str, Path]:
    """Return the installed profiles by name, in alphabetical order; none where the package is not installed."""
    try:
        folder = Path(get_package_share_directory("emotion_recognition")) / "config" / "boards"
    except PackageNotFoundError:
        return {}
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def board_file(name: str) -> Path | None:
    """Return the file of a profile; None for ``none`` or an empty name.

    Raises:
        ValueError: there is no such profile; the message names those there are.
    """
    if name in ("", NO_BOARD):
        return None
    found = boards()
    if name not in found:
        raise ValueError(f"no board {name!r}; expected one of {', '.join([NO_BOARD, *found])}")
    return found[name]


def parameter_files(board: str, params_file: str, defaults: str) -> list[str]:
    """Return the parameter files of a bring-up in order: a later one wins.

    Args:
        board: name of a profile, or ``none``.
        params_file: the user's file, which wins over the profile; the file of defaults does not.
        defaults: the shipped file of defaults.

    Raises:
        ValueError: there is no such profile.
    """
    profile = board_file(board)
    own = [str(profile)] if profile else []
    return [params_file, *own] if params_file == defaults else [*own, params_file]
