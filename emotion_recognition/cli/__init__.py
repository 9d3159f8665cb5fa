"""The console command ``emotion-recognition``."""

import os

# Read as numpy loads, which nothing does before this. At the sizes that faces and windows have, more threads only wait
# for each other: beside another busy process they made the refinement of a box 30 times as slow. The user's word stays.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
