"""Demo data: a provincial university before its congress, loaded by the product's own imports and commands, never by tables."""

from webui.demo.load import load
from webui.demo.people import ACCOUNTS

__all__ = ["ACCOUNTS", "load"]
