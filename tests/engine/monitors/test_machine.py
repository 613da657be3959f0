"""What a training takes of the machine; a broken or absent driver of graphics cards is no card."""

from types import SimpleNamespace

from kbuilder.engine.monitors.machine import Gpus, Machine


def driver(cards: int) -> SimpleNamespace:
    """A driver with some cards; all but the first fail once they are asked how busy they are."""

    def begin() -> None:
        if not cards:
            raise OSError("no driver")

    def rates(handle: int) -> SimpleNamespace:
        if handle:
            raise OSError("lost")
        return SimpleNamespace(gpu=78)

    return SimpleNamespace(
        nvmlInit=begin,
        nvmlDeviceGetCount=lambda: cards,
        nvmlDeviceGetHandleByIndex=lambda number: number,
        nvmlDeviceGetName=lambda handle: b"Card %d" % handle,
        nvmlDeviceGetMemoryInfo=lambda handle: SimpleNamespace(used=2**30, total=2**33),
        nvmlDeviceGetUtilizationRates=rates,
    )


def test_measures_are_a_second_apart_and_tell_what_came_between() -> None:
    now = [0.0]
    machine = Machine(lambda: now[0])
    assert machine.measure(1, 5, 100, 0.1, 0.2) is None
    now[0] = 2.0
    first = machine.measure(1, 40, 1000, 0.5, 1.4)
    assert first is not None
    assert (first.step, first.samples_per_second) == (40, 500.0)
    assert (first.data_seconds, first.compute_seconds) == (0.5, 1.4)
    assert first.memory_bytes > 2**20
    assert 0 <= first.cpu <= 1
    now[0] = 2.9
    assert machine.measure(1, 60, 1500, 0.7, 2.0) is None
    now[0] = 3.0
    second = machine.measure(1, 70, 1600, 0.75, 2.4)
    assert second is not None
    assert second.samples_per_second == 600.0
    assert (second.data_seconds, round(second.compute_seconds, 6)) == (0.25, 1.0)


def test_cards_are_told_until_they_fail() -> None:
    gpus = Gpus(driver(2))
    (first,) = gpus.measure()
    assert (first.name, first.busy, first.memory_bytes) == ("Card 0", 0.78, 2**30)
    assert [card.name for card in gpus.measure()] == ["Card 0"]
    assert Gpus(driver(0)).measure() == ()
