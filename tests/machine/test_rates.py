"""Rates of machines: the roofline by hand, what is refused, what is kept."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ddlab.machine import kept
from ddlab.machine.rates import DATA_SHEETS, Machine, Rates
from ddlab.models.work import LayerWork, Work

CACHES = ((1e3, 200.0), (1e6, 50.0))  # bytes at work, bytes a second
RATES = Rates(1000.0, CACHES, ((8, 100.0), (32, 400.0)), {"batch normalisation": 20.0})
MEASURED = Machine("A processor, 2 cores", {1: Rates(600.0, CACHES), 2: RATES}, "2026-11-01T12:00:00+00:00", "a test")


def layer(kind, channels=0):
    return LayerWork("layer", kind, Work(), Work(), Work(), channels)


def test_the_larger_part_is_the_time_and_says_what_bounds_it():
    """1000 operations take 1 s at best; 10 MB take 200,000 s from memory, 50 bytes 0.25 s from a cache."""
    assert RATES.seconds(Work(1000, 50)) == (1.0, "operations")
    assert RATES.seconds(Work(1000, 1e7)) == (1e7 / 50, "bytes")
    assert RATES.seconds(Work(0, 50)) == (0.25, "bytes")
    assert RATES.balance == 20 and MEASURED.all_threads is RATES and MEASURED.threads == 2


def test_the_cache_is_that_of_what_is_at_work():
    """What works in place touches half of what it moves; four pieces side by side need four times the room."""
    assert [RATES.bandwidth_of(size) for size in (1, 1e3, 1e6 - 1, 1e6, 1e12)] == [200, 200, 200, 50, 50]
    assert RATES.seconds(Work(0, 1e6)) == (1e6 / 200, "bytes")
    assert RATES.seconds(Work(0, 1e6), at_once=4) == (1e6 / 50, "bytes")


def test_numbers_of_twice_the_bytes_take_twice_the_time():
    assert RATES.seconds(Work(1000, 0), number_bytes=8) == (2.0, "operations")


def test_ceilings_are_below_the_roof():
    assert RATES.ceilings(layer("convolution", 5)).operations == 100
    assert RATES.ceilings(layer("convolution", 9)).operations == 400
    assert RATES.ceilings(layer("convolution", 64)).operations == 1000, "wider than any that was measured"
    assert RATES.ceilings(layer("batch normalisation")).bandwidth == ((1e3, 20.0), (1e6, 20.0))
    assert RATES.ceilings(layer("rectifier")).bandwidth == CACHES


@pytest.mark.parametrize(
    ("operations", "bandwidth", "rule"),
    [
        (0.0, CACHES, "operations: must be a rate above 0"),
        (float("nan"), CACHES, "operations: must be a rate above 0"),
        (1e19, CACHES, "below 1e\\+18"),
        (1.0, ((1e3, -1.0),), "bandwidth: must be a rate above 0"),
        (1.0, (), "needs a size"),
        (1.0, ((1e3, 50.0), (1e6, 200.0)), "growing sizes with falling rates"),
        (1.0, ((1e6, 200.0), (1e3, 50.0)), "growing sizes with falling rates"),
    ],
)
def test_nonsense_is_refused(operations, bandwidth, rule):
    with pytest.raises(ValueError, match=rule):
        Rates(operations, bandwidth)


def test_a_machine_without_rates_is_refused():
    with pytest.raises(ValueError, match="needs rates"):
        Machine("none", {})


def test_machines_are_kept_by_their_names():
    other = replace(MEASURED, name="Another")
    for machine in (MEASURED, other, MEASURED):
        kept.keep(machine)
    assert kept.machines() == {MEASURED.name: MEASURED, "Another": other}
    assert kept.this_machine() is None
    assert "another machine: A processor, 2 cores, Another" in kept.not_here()
    kept.keep(replace(MEASURED, name=kept.machine_name()))
    assert kept.this_machine().rates == MEASURED.rates


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"format": 1}', '{"format": 1, "machines": [{"name": 1}]}', '{"format": 9}']
)
def test_a_damaged_file_counts_as_not_measured(content):
    kept.file().parent.mkdir(parents=True)
    kept.file().write_text(content)
    assert kept.machines() == {} and "not measured yet" in kept.not_here()


def test_rates_that_cannot_be_are_not_read():
    kept.keep(MEASURED)
    tree = json.loads(kept.file().read_text())
    tree["machines"][0]["rates"]["1"]["operations"] = -5
    kept.file().write_text(json.dumps(tree))
    assert kept.machines() == {}


def test_old_and_disturbed_measurements_say_so():
    taken = datetime.fromisoformat(MEASURED.measured)
    assert kept.beware(MEASURED, taken + timedelta(days=10)) == ""
    assert "400 days ago" in kept.beware(MEASURED, taken + timedelta(days=400))
    assert "Other programs" in kept.beware(replace(MEASURED, busy=True), taken)
    assert "not known when" in kept.beware(replace(MEASURED, measured="yesterday"), taken)
    assert not any(kept.beware(sheet) for sheet in DATA_SHEETS.values()), "a data sheet grows no older"


def test_data_sheets_say_what_they_are():
    for sheet in DATA_SHEETS.values():
        assert not sheet.measured and "data sheet" in sheet.source and not sheet.has_ceilings
    assert DATA_SHEETS["v100"].all_threads.balance == pytest.approx(15.7e12 / 900e9)
