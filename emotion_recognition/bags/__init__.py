"""Recordings: bags read, made, judged against labels, and replayed through the nodes."""
