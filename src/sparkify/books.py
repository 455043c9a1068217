"""The books: what became of every line."""

from dataclasses import dataclass


@dataclass(slots=True)
class Books:
    """What became of the lines of a file: `lines` is the sum of the others."""

    lines: int = 0
    blank: int = 0
    other_pages: int = 0
    loaded: int = 0
    duplicates: int = 0
    rejected: int = 0
    forgotten: int = 0

    def add(self, other: "Books") -> None:
        """Add up."""
        for name in Books.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def balance(self) -> bool:
        """Whether every line is accounted for."""
        parts = (self.blank, self.other_pages, self.loaded, self.duplicates, self.rejected, self.forgotten)
        return self.lines == sum(parts)
