"""Write the catalogue: one object per file, as in the Million Song Dataset, or packed."""

import gzip
import os
from collections.abc import Sequence
from json.encoder import encode_basestring_ascii
from pathlib import Path

from sparkify.simulate.catalogue import Catalogue
from sparkify.simulate.places import HOMES


def song_texts(catalogue: Catalogue, songs: Sequence[int]) -> list[str]:
    """The JSON of these songs as in the real files: like `json.dumps`, without a newline."""
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
    """The path of the song's file below the song folder, without its suffix."""
    track = catalogue.track_ids[song]
    return f"{track[2]}/{track[3]}/{track[4]}/{track}"


def write_song_files(folder: Path, paths: Sequence[str], texts: Sequence[bytes], *, zipped: bool) -> None:
    """Write each text to its path below the folder. An interruption may tear one; `Folder` records it."""
    parent = ""
    root = os.fspath(folder)
    # Write folder by folder, and make each when it is needed: then its blocks are still in the cache.
    for path, text in sorted(zip(paths, texts, strict=True)):
        if path[:5] != parent:
            parent = path[:5]
            Path(root, parent).mkdir(parents=True, exist_ok=True)
        left = memoryview(gzip.compress(text, mtime=0) if zipped else text)
        # Bare descriptors: for 100,000 small files, open() and its buffers would double the cost.
        file = os.open(f"{root}/{path}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            while left:  # one write, unless the disk is nearly full
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
