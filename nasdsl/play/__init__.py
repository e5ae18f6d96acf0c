"""The playground: what its page asks Python, links that carry a text, and a server of its files.

The page itself is in `playground/`. Nothing here imports PyTorch, and `answers` and what it needs
run in a browser.
"""
