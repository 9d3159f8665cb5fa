"""ROS 2 nodes: thin lifecycle shells that wire the plain Python cores to topics. Only this package imports rclpy."""
