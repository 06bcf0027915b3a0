"""The sandbox: virtual readers and a virtual card host, so that a newcomer needs no hardware and moves no money.

It ships with the daemon and speaks the real protocols on real ptys and sockets; only its cards, its keys and its host
are play. Its processes refuse to start where the store's settings don't say `sandbox = true`, and its keys are public.
"""
