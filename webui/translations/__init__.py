"""The English of the product: `messages` for our own pages, `engine` for what the engine says.
`make words` updates both.
"""
