"""Pages of the administrator: people and rules."""
