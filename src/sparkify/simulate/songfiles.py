"""The catalogue as files: one object a file, as the Million Song Dataset has it, or packed."""

import gzip
import os
from collections.abc import Sequence
from json.encoder import encode_basestring_ascii
from pathlib import Path

from sparkify.simulate.catalogue import Catalogue
from sparkify.simulate.places import HOMES


def song_texts(catalogue: Catalogue, songs: Sequence[int]) -> list[str]:
    """The JSON of these songs, in the layout of the real files: `json.dumps`, no newline."""
    ids, titles, durations = catalogue.song_ids, catalogue.titles, catalogue.duration_texts
    artist_of, years = catalogue.artist_of, catalogue.years
    heads: dict[int, str] = {}
    texts = []
    for song in songs:
        artist = int(artist_of[song])
        head = heads.get(artist)
        if head is None:
            head = heads[artist] = _artist_text(catalogue, artist)
        texts.append(
            f'{head}"song_id": "{ids[song]}", "title": {encode_basestring_ascii(titles[song].as_py())}, '
            f'"duration": {durations[song]}, "year": {years[song]}}}'
        )
    return texts


def song_path(catalogue: Catalogue, song: int) -> str:
    """Where the song's own file is, below the song folder, without its suffix."""
    track = catalogue.track_ids[song]
    return f"{track[2]}/{track[3]}/{track[4]}/{track}"


def write_song_files(folder: Path, paths: Sequence[str], texts: Sequence[bytes], *, zipped: bool) -> None:
    """Write each text to its path below the folder. An interruption may leave one torn: see Folder."""
    parent = ""
    root = os.fspath(folder)
    # Folder by folder, and no folder made before it is needed: what a folder needs of the disk stays at hand.
    for path, text in sorted(zip(paths, texts, strict=True)):
        if path[:5] != parent:
            parent = path[:5]
            Path(root, parent).mkdir(parents=True, exist_ok=True)
        left = memoryview(gzip.compress(text, mtime=0) if zipped else text)
        # Bare descriptors: open() and its buffers cost as much again as the system calls, 100,000 times.
        file = os.open(f"{root}/{path}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            while left:  # all at once, unless the disk is nearly full
                left = left[os.write(file, left) :]
        finally:
            os.close(file)


def _artist_text(catalogue: Catalogue, artist: int) -> str:
    place, latitude, longitude = (
        HOMES[catalogue.homes[artist]] if catalogue.homes[artist] >= 0 else ("", None, None)
    )
    return (
        f'{{"num_songs": 1, "artist_id": "{catalogue.artist_ids[artist]}", '
        f'"artist_latitude": {"null" if latitude is None else latitude}, '
        f'"artist_longitude": {"null" if longitude is None else longitude}, '
        f'"artist_location": {encode_basestring_ascii(place)}, '
        f'"artist_name": {encode_basestring_ascii(catalogue.artists[artist].as_py())}, '
    )
