"""Experiments and trials: how many are needed, what a design can show, and how often it is right."""
