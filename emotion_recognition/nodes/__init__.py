"""ROS 2 nodes: thin lifecycle shells that wire the plain Python cores to topics. Only this package imports rclpy."""

import os

# Libraries size their thread pools by the number of cores as they load: one thread for numpy (OpenBLAS), and for torch
# and ncnn (OpenMP, MKL) until the parameter ``threads`` says more. Threads that wait sleep at once and leave their core
# to others. What the user has set stays.
THREAD_SETTINGS = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "GOMP_SPINCOUNT": "0",
}
for _name, _value in THREAD_SETTINGS.items():
    os.environ.setdefault(_name, _value)
