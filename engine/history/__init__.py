"""What proves: event chains, Merkle seals, signing keys, and the verification of every row beside
them.
"""
