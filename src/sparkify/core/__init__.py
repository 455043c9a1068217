"""The compiled core, in C: it reads lines and makes rows. `sparkify.core._core` is the extension module."""

from zipimport import zipimporter

if isinstance(__spec__.loader, zipimporter):  # Spark's executors have this package as an archive
    from sparkify.core.archive import import_core

    import_core(__spec__.loader, __path__)
