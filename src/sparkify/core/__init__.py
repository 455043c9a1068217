"""The compiled core, in C: it reads lines and makes rows. `sparkify.core._core` is the extension module."""
