"""The console command ``emotion-recognition``."""
