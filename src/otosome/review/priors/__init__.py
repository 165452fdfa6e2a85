"""Priors by name: what is believed of efficacy before, and after the published experiments are taken as printed."""
