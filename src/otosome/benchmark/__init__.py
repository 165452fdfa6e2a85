"""otosome timed beside the solvers people use today: ``otosome bench``. They come with the extra ``bench``."""

from otosome.benchmark.timing import PEERS, Size, bench

__all__ = ["PEERS", "Size", "bench"]
