"""Pages of the auditor: search, timeline, verification, evidence."""
