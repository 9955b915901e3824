"""A peer to measure beside: django-viewflow, in an environment of its own (tests/bench/measures.py: peer)."""
