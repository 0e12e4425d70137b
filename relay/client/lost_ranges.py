"""Stretches that are lost for certain, each told once. Pure."""


class LostRanges:
    """Frames of the client's timeline that get no final any more."""

    def __init__(self) -> None:
        """Begin with nothing lost."""
        self._known: list[tuple[int, int]] = []

    def add(self, from_frame: int, to_frame: int) -> list[tuple[int, int]]:
        """Lose [from_frame, to_frame); returns those parts of it that hadn't been told yet."""
        news: list[tuple[int, int]] = []
        begin = from_frame
        for known_from, known_to in self._known:
            if known_to <= begin or known_from >= to_frame:
                continue
            if begin < known_from:
                news.append((begin, known_from))
            begin = known_to
        if begin < to_frame:
            news.append((begin, to_frame))
        self._known = sorted(self._known + news)
        return news

    def forget_before(self, frame: int) -> None:
        """Drop what nobody will speak of again."""
        self._known = [known for known in self._known if known[1] > frame]
