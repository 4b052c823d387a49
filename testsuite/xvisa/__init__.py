"""Proofs of Xvisa against the manual: every expected value is worked out in Python."""
