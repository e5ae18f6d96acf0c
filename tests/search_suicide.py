"""An evaluator that ends its process when it is imported."""

import os
import sys

print("farewell", file=sys.stderr, flush=True)
os._exit(3)
