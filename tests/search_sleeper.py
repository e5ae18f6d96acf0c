"""An evaluator that takes its time when it is imported."""

import time

time.sleep(600)
