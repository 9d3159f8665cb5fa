"""The error all model files and engines raise."""


class ModelError(ValueError):
    """A model cannot be used: its file is missing, changed, of a wrong kind, or does not fit its description."""
