"""Reads a process folder, finds every fault in it and freezes it as a version. It runs nothing."""

from engine.definitions.process import Process, completed, fingerprint, load, read

__all__ = ["Process", "completed", "fingerprint", "load", "read"]
