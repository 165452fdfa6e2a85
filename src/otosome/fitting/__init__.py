"""A laboratory's own data laid over a study, and what they say of its numbers."""
