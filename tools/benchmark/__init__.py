"""otosome timed beside the solvers people use today: ``make bench``. They come with the extra ``bench``."""
