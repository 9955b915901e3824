"""What the house promises in numbers, measured on any checkout: `make measure`, `python -m tests.measure [CHECKOUT [OTHER]]`."""
