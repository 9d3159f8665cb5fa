"""Import torchvision where its compiled part does not fit the torch beside it.

A torchvision wheel linked against CUDA fails to import beside a CPU build of torch, because its operators never get
registered. MTCNN needs one of them, non-maximum suppression; this module defines it in torch itself. Where torchvision
imports, nothing is changed.
"""

import importlib
import sys

# torchvision registers shape functions for both as it is imported, so both need a definition.
_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_library = None  # torch drops the operators of a library that is garbage collected


def import_torchvision():
    """Return the torchvision module, with ``torchvision.ops.nms`` working on the CPU.

    Raises:
        ImportError: torchvision is not installed, or fails for a reason that has nothing to do with these operators.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise ImportError(f"torchvision does not import: {error}") from error
    _forget("torchvision")
    _define_operators()
    torchvision = importlib.import_module("torchvision")
    # Its check for the compiled part would refuse every operator, the one defined here too.
    importlib.import_module("torchvision.ops.boxes")._assert_has_ops = lambda: None
    return torchvision


def suppress(boxes, scores, iou_threshold: float):
    """Non-maximum suppression on torch tensors.

    Args:
        boxes: (N, 4) x1, y1, x2, y2.
        scores: (N,).
        iou_threshold: a box goes if its intersection over union with a better one is greater.

    Returns:
        (M,) int64, indices of the boxes that stay, the best score first.
    """
    import torch

    order = torch.argsort(scores, descending=True, stable=True)
    x1, y1, x2, y2 = boxes[order].unbind(1)
    area = (x2 - x1) * (y2 - y1)
    alive = torch.ones(len(order), dtype=torch.bool)
    kept = []
    for i in range(len(order)):
        if not alive[i]:
            continue
        kept.append(i)
        width = (torch.minimum(x2[i], x2[i + 1 :]) - torch.maximum(x1[i], x1[i + 1 :])).clamp(min=0)
        height = (torch.minimum(y2[i], y2[i + 1 :]) - torch.maximum(y1[i], y1[i + 1 :])).clamp(min=0)
        overlap = width * height
        alive[i + 1 :] &= ~(overlap / (area[i] + area[i + 1 :] - overlap) > iou_threshold)
    return order[torch.tensor(kept, dtype=torch.int64)]


def _define_operators() -> None:
    global _library
    if _library is not None:
        return
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        library.define(schema)
        library.impl(schema.partition("(")[0], suppress, "CPU")
    _library = library


def _forget(package: str) -> None:
    """Drop what a failed import of ``package`` left behind, so that it can be imported afresh."""
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]
