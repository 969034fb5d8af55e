"""What holds of every hour in every zone.  The judge here reads each clock for itself, minute by
minute."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.decision import Verdict
from schemas.send_request import Kind
from schemas.topics import DECISIONS, DISPATCH_ORDERS
from streams.gate.rules import evaluate
from streams.gate.rules.timing import check_quiet_hours
from streams.local_time.local_hours import STATE_RULES, daily_hours, span_at
from streams.local_time.locations import AREAS, STATES, locate
from tests.core.gate.cases import context, gate_processor, opt_in, request
from tests.core.harness import on_topic

STEP = timedelta(minutes=5)
"""Zones are a multiple of 15 minutes from UTC in these years, and the hours drawn a multiple of
five."""
DAY = timedelta(days=1)
ORDER_LIFE = timedelta(hours=36)

moments = st.datetimes(datetime(2022, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC))
changes = st.sampled_from(
    [
        datetime(2026, 3, 8, tzinfo=UTC),
        datetime(2026, 11, 1, tzinfo=UTC),
        datetime(2026, 3, 29, tzinfo=UTC),
    ]
).flatmap(lambda day: st.timedeltas(-DAY, 2 * DAY).map(lambda away: day + away))
nows = moments | changes
any_zone = st.sampled_from(sorted(available_timezones() - {"localtime"}))
zones = st.sampled_from(
    [
        "America/New_York",
        "America/Chicago",
        "America/Denver",
        "America/Phoenix",
        "America/Los_Angeles",
        "America/Anchorage",
        "America/Adak",
        "Pacific/Honolulu",
        "America/St_Johns",
        "America/Puerto_Rico",
        "Europe/London",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Australia/Perth",
    ]
)
several = st.lists(zones, min_size=1, max_size=3, unique=True).map(tuple)
numbers = st.sampled_from(
    [f"+1{area}5550100" for area in (*AREAS, "500", "521")] + ["+442079460958", "+61412345678"]
)
regions = st.none() | st.sampled_from([state.code for state in STATES] + ["elsewhere"])
clocks = st.integers(60, 276).map(lambda fives: f"{fives * 5 // 60:02}:{fives * 5 % 60:02}")
hours = st.lists(clocks, min_size=2, max_size=2, unique=True).map(sorted)
kinds = st.sampled_from([str(kind) for kind in Kind])


def clock(moment: datetime, zone: str) -> time:
    return moment.astimezone(ZoneInfo(zone)).time()


def awake(
    moment: datetime, where: tuple[str, ...], before: str = "08:00", after: str = "21:00"
) -> bool:
    return all(
        time.fromisoformat(before) <= clock(moment, zone) < time.fromisoformat(after)
        for zone in where
    )


def every_step(start: datetime, end: datetime) -> list[datetime]:
    """On the grid, both ends aside."""
    first = start.replace(minute=start.minute // 5 * 5, second=0, microsecond=0) + STEP
    return [first + n * STEP for n in range(max(0, -(-(end - first) // STEP)))]


@given(numbers, st.none() | any_zone, regions, nows, kinds, st.none() | nows)
def test_nobody_is_texted_at_night(
    number: str,
    zone: str | None,
    region: str | None,
    now: datetime,
    kind: str,
    not_before: datetime | None,
) -> None:
    where: dict[str, Any] = {"to": number, "time_zone": zone, "postal_region": region}
    asked = {**where, "kind": kind, "not_before": not_before}
    policy = {"when": {}, "regions": ("US", "CA", "GB", "AU")}
    ruling = evaluate(context(**asked, now=now, requested_at=now, policy=policy))
    if ruling.verdict is Verdict.SEND:
        assert awake(now, locate(number, (zone,), (region,)).zones)
    elif ruling.until is not None and (not_before is None or ruling.until != not_before):
        assert awake(ruling.until, locate(number, (zone,), (region,)).zones)


@given(any_zone, nows, st.integers(0, 1438), st.data())
def test_no_reading_of_any_clock_is_taken_the_loose_way(
    zone: str, now: datetime, start: int, data: Any
) -> None:
    """Hours that begin or end while a clock changes, in zones that change theirs at odd times."""
    end = data.draw(st.integers(start + 1, 1439))
    opened, closed = (f"{at // 60:02}:{at % 60:02}" for at in (start, end))
    span = span_at((zone,), daily_hours(opened, closed), now)
    assume(span is not None)
    assert span is not None
    for moment in (max(span.start, now), span.end - timedelta(microseconds=1)):
        assert awake(moment, (zone,), opened, closed)


@given(several, hours, nows)
def test_a_wait_ends_at_the_first_fit_minute(
    where: tuple[str, ...], open_: list[str], now: datetime
) -> None:
    span = span_at(where, daily_hours(*open_), now)
    horizon = now + 3 * DAY if span is None else max(now, span.start)
    assert not any(awake(moment, where, *open_) for moment in every_step(now, horizon))
    if span is not None and span.start > now:
        assert not awake(now, where, *open_)
        assert awake(span.start, where, *open_)
        assert not awake(span.start - timedelta(microseconds=1), where, *open_)


@given(several, hours, nows)
def test_hours_last_until_the_first_unfit_minute(
    where: tuple[str, ...], open_: list[str], now: datetime
) -> None:
    span = span_at(where, daily_hours(*open_), now)
    if span is not None:
        begin = max(now, span.start)
        assert all(awake(moment, where, *open_) for moment in [begin, *every_step(begin, span.end)])
        assert not awake(span.end, where, *open_)


@given(
    zones, st.sampled_from([state.code for state in STATES if state.country == "US"]), kinds, nows
)
def test_an_order_never_outlives_its_hours(zone: str, state: str, kind: str, now: datetime) -> None:
    processor = gate_processor(now, when={})
    processor.feed(opt_in(at=now))
    asked = processor.publish_from(
        request(kind=kind, time_zone=zone, postal_region=state, requested_at=now)
    )
    for order in on_topic(DISPATCH_ORDERS, asked):
        assert now < order.send_before <= now + ORDER_LIFE
        assert all(awake(moment, (zone,)) for moment in [now, *every_step(now, order.send_before)])
    for held in on_topic(DECISIONS, asked):
        if held.verdict is Verdict.HOLD:
            assert [
                one.verdict for one in on_topic(DECISIONS, processor.run_until(held.until))
            ] == [Verdict.SEND]


@given(zones, hours, hours, nows)
def test_shorter_hours_never_loosen(
    zone: str, some: list[str], others: list[str], now: datetime
) -> None:
    inner = [max(some[0], others[0]), min(some[1], others[1])]
    assume(inner[0] < inner[1])
    wide, narrow = (
        check_quiet_hours(
            context(
                now=now, time_zone=zone, policy={"when": {"quiet_hours": {"before": a, "after": b}}}
            )
        )
        for a, b in (some, inner)
    )
    if wide is not None:
        assert narrow is not None
        assert narrow.until is not None
        assert wide.until is not None
        assert narrow.until >= wide.until


@given(several, zones, nows)
def test_another_zone_never_loosens(where: tuple[str, ...], more: str, now: datetime) -> None:
    few, many = (
        span_at(each, daily_hours("08:00", "21:00"), now) for each in (where, (*where, more))
    )
    if few is None:
        assert many is None
    elif many is not None:
        assert many.start >= few.start
        assert many.start > few.end or many.end <= few.end


@given(nows, st.sampled_from(sorted(set(STATE_RULES) - {"US-FED"})), zones)
def test_knowing_less_of_the_state_never_loosens(now: datetime, state: str, zone: str) -> None:
    """Somebody without a state is given all of them."""
    about: dict[str, Any] = {
        "time_zone": zone,
        "to": "+15005550006",
        "now": now,
        "requested_at": now,
    }
    policy: dict[str, Any] = {"when": {}}
    nowhere, somewhere = (
        evaluate(context(**about, kind="marketing", policy=policy, postal_region=region)).until
        for region in (None, state)
    )
    assert somewhere is None or (nowhere is not None and nowhere >= somewhere)


@given(
    st.lists(st.timedeltas(timedelta(0), DAY), min_size=5, max_size=15),
    st.integers(1, 3),
    st.integers(1, 6),
    nows,
)
def test_no_window_of_a_day_or_a_week_holds_more_than_its_cap(
    waits: list[timedelta], day: int, week: int, now: datetime
) -> None:
    caps = {"reminder": {"day": day, "week": week}}
    processor = gate_processor(now, when={"quiet_hours": "none", "caps": caps})
    processor.feed(opt_in(at=now))
    for wait in waits:
        processor.run_until(processor.now + wait)
        processor.feed(request(requested_at=processor.now))
    processor.run_until(processor.now + 30 * DAY)
    sent = [order.issued_at for order in processor.published_on(DISPATCH_ORDERS)]
    for moment in sent:
        assert sum(moment - DAY < other <= moment for other in sent) <= day
        assert sum(moment - 7 * DAY < other <= moment for other in sent) <= week
    assert len(sent) >= min(len(waits), week)
