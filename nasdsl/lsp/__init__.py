"""The language server, `nasdsl lsp`: what `nasdsl.service` says, in the words of the protocol.

Purpose: texts that clients have open, positions in their encodings, and when to look again.
Non-goals: the answers themselves. The package needs the extra `lsp`.
"""
