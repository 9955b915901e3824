"""All that changes something, a module per noun; each command runs in the transaction of its edge."""
