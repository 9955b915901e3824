"""What pages and API share: sessions, errors, languages, words."""
