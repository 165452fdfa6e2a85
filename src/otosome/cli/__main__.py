"""The command line, as ``python -m otosome.cli``."""

from otosome.cli import main

main()
