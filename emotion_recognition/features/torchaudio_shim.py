"""Import of torchaudio where its compiled part does not load beside the installed torch.

The wheels of torchaudio 2.11 on PyPI are linked against CUDA; beside a CPU build of torch their ``_extension`` fails
with an OSError. The MFCCs need none of it (the transforms are written in Python), so a stand-in that reports "no
extension" is put in its place, only after the ordinary import has failed.
"""

import importlib
import sys
import types


def import_torchaudio() -> types.ModuleType:
    """Return torchaudio, without its compiled part if that does not load.

    Raises:
        ImportError: torch or torchaudio is not installed, or torchaudio does not import for another reason.
    """
    try:
        return importlib.import_module("torchaudio")
    except ModuleNotFoundError:
        raise
    except (ImportError, OSError) as error:
        first = error
    for name in [name for name in sys.modules if name == "torchaudio" or name.startswith("torchaudio.")]:
        del sys.modules[name]
    sys.modules["torchaudio._extension"] = _without_extension()
    try:
        return importlib.import_module("torchaudio")
    except Exception as error:
        sys.modules.pop("torchaudio._extension", None)
        text = f"torchaudio imports neither with its compiled part ({first}) nor without it ({error})"
        raise ImportError(text) from error


def _without_extension() -> types.ModuleType:
    module = types.ModuleType("torchaudio._extension")
    module._IS_TORCHAUDIO_EXT_AVAILABLE = False
    module._IS_ALIGN_AVAILABLE = False
    module._check_cuda_version = lambda: None
    module.fail_if_no_align = _needs_extension
    module._load_lib = lambda name: False
    return module


def _needs_extension(function):
    def refuse(*args, **kwargs):
        raise RuntimeError(f"torchaudio.{function.__name__} needs torchaudio's compiled part, which did not load here")

    return refuse
