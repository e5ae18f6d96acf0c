"""One-shot search: a space as one network, whose members share weights.

Purpose: what a super-network is made of (`graph`), what of it a member has (`sharing`), and
`supernet`, which asks a backend for one.
"""
