"""What the world published: cases simulated again, claims, and whether a stored result still stands."""
