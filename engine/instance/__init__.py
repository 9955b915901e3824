"""A process instance to be looked at: facts, the law of its union, expressions, lanes, rooms,
presence, counting. Writes nothing.
"""
