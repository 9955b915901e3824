"""Demo data: a provincial university before its congress, loaded by the product's own imports and commands, never by tables."""

from webui.demo.people import ACCOUNTS
from webui.demo.load import load

__all__ = ["ACCOUNTS", "load"]
