"""Demo data: a provincial university before its congress, loaded by the product's own imports
and commands, never by tables.
"""

from webui.cli.demo.load import load
from webui.cli.demo.people import ACCOUNTS

__all__ = ["ACCOUNTS", "load"]
