"""Song files become catalogue records."""

import json

from sparkify.books import Books
from sparkify.extract.judge import BLANK, CatalogueRecord, Reject, judge_song, nested_too_deeply, strip
from sparkify.extract.lines import RejectedLine, Slice

_decoder = json.JSONDecoder(parse_float=len, parse_int=len)  # numbers are the judge's business


def read_catalogue(piece: Slice) -> tuple[list[tuple[int, CatalogueRecord]], Books, list[RejectedLine]]:
    """The valid records of a slice with their lines, the books, and the rejects.

    A song file holds one object as a whole, over however many lines, or one object a line.
    """
    books = Books()
    records: list[tuple[int, CatalogueRecord]] = []
    rejects = list(piece.unread)
    unread = {reject.line for reject in rejects}
    data = piece.data
    lines = (
        [data]
        if _is_one_object(piece, data)
        else data.removesuffix(b"\n").split(b"\n")
        if data
        else []
    )
    for line, text in enumerate(lines, piece.first_line):
        books.lines += 1
        if line in unread:
            continue
        match judge_song(text):
            case CatalogueRecord() as record:
                records.append((line, record))
            case Reject() as why:
                rejects.append(RejectedLine.of(line, why, text))
            case verdict:
                books.blank += verdict == BLANK
    books.loaded = len(records)
    books.rejected = len(rejects)
    return records, books, rejects


def _is_one_object(piece: Slice, data: bytes) -> bool:
    """Whether the slice is a whole file that is one JSON object over several lines."""
    if piece.first_line != 1 or not piece.ends_file or piece.unread or data.count(b"\n") < 2:
        return False
    try:
        if nested_too_deeply(data):
            return False
        text = strip(data).decode("utf-8").strip(" \t\r\n")
        value, end = _decoder.raw_decode(text)
    except ValueError:
        return False
    return isinstance(value, dict) and end == len(text)
