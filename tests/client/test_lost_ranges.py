from relay.client.lost_ranges import LostRanges


def test_only_news_is_told() -> None:
    lost = LostRanges()
    assert lost.add(10, 20) == [(10, 20)]
    assert lost.add(10, 20) == []
    assert lost.add(5, 25) == [(5, 10), (20, 25)]
    assert lost.add(30, 40) == [(30, 40)]


def test_what_is_past_is_forgotten() -> None:
    lost = LostRanges()
    lost.add(10, 20)
    lost.forget_before(20)
    assert lost.add(10, 20) == [(10, 20)]
