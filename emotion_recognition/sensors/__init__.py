"""Decoding of what cameras and microphones send."""
