"""Who is who, and who may: units, posts with terms, members, passwords, and the one table of
rights.
"""
