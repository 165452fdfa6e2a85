"""Published effects together: random effects, what the weakly printed ones say, and what was never printed."""
