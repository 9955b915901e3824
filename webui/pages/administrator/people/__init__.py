"""The roster, a member's posts and terms, the tree of units, imports with a preview of every
row.
"""

from webui.pages.administrator.people import invitations, members, succession, tables, units
from webui.pages.administrator.people.desk import blueprint

__all__ = ["blueprint", "invitations", "members", "succession", "tables", "units"]
