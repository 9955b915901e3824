"""The rules and the memory of Yixing: no web in here."""
