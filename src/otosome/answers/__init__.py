"""What a simulation means: the benefit with its interval, what moves it, and therapies side by side."""
