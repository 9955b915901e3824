"""Reads a process folder, finds every fault in it and freezes it as a version. It runs nothing."""

from engine.definitions.folder import completed, fingerprint, frozen, read
from engine.definitions.loading import load
from engine.definitions.process import Process

__all__ = ["Process", "completed", "fingerprint", "frozen", "load", "read"]
