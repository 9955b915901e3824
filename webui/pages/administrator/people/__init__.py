"""The roster, a member's posts and terms, the tree of units, imports with a preview of every
row.
"""

from webui.pages.administrator.people import members, tables, units
from webui.pages.administrator.people.desk import blueprint

__all__ = ["blueprint", "members", "tables", "units"]
