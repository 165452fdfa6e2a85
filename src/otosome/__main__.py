"""The command line, as ``python -m otosome``."""

from otosome.cli import main

if __name__ == "__main__":
    main()
