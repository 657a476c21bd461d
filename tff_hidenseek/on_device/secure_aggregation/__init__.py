"""A sum of votes of which the server sees no summand.

Bonawitz et al., "Practical Secure Aggregation for Privacy-Preserving Machine
Learning" (CCS 2017), the protocol for a server that is honest but curious.
docs/privacy.md says what that promises and what not.
"""
