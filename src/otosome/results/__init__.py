"""A result's folder: which verb wrote it and of what, its numbers and its files, and how it comes to stand there."""

from otosome.results.dataset import ANSWER, DATA, EARS, GROUNDS, STUDY, lying_in, read_answer, read_data
from otosome.results.files import (
    copy_shelves,
    csv_text,
    fill,
    fill_case_fit,
    fill_fit,
    fill_intake,
    fill_lot,
    fill_review,
    fill_trial,
    tame,
)
from otosome.results.folder import check_free, recover, scratch, usual, writing
from otosome.results.opening import open_result
from otosome.results.record import MARK, Option, Record, is_ours, record_of, unsealed
from otosome.results.seal import Altered

__all__ = [
    "ANSWER",
    "DATA",
    "EARS",
    "GROUNDS",
    "MARK",
    "STUDY",
    "Altered",
    "Option",
    "Record",
    "check_free",
    "copy_shelves",
    "csv_text",
    "fill",
    "fill_case_fit",
    "fill_fit",
    "fill_intake",
    "fill_lot",
    "fill_review",
    "fill_trial",
    "is_ours",
    "lying_in",
    "open_result",
    "read_answer",
    "read_data",
    "record_of",
    "recover",
    "scratch",
    "tame",
    "unsealed",
    "usual",
    "writing",
]
