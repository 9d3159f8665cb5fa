"""The demonstration: a bundled recording, its player, the terminal display and the timeline picture."""
