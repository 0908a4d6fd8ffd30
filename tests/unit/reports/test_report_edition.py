from __future__ import annotations

from dataclasses import replace

from mcu.reports import edition, query
from mcu.reports.query import ALL, OBLAST, Row
from tests.unit.reports import made_up


def oblast(**data: object) -> edition.WeeklyEdition:
    made = edition.make(made_up.weekly(**data), OBLAST)  # type: ignore[arg-type]
    assert isinstance(made, edition.WeeklyEdition)
    return made


def test_topics_are_ten_by_messages_and_only_those_that_had_some() -> None:
    rows = [made_up.topic_row(OBLAST, f"Тема {number:02}", received=number) for number in range(15)]
    topics = oblast(topics={OBLAST: rows}).topics
    assert [row["received"] for row in topics] == list(range(14, 4, -1))
    assert oblast(topics={OBLAST: rows[:1]}).topics == []


def test_riser_names_the_municipality_of_the_same_topic_where_it_rose_most() -> None:
    topics = {
        OBLAST: [made_up.topic_row(OBLAST, "Снег", received=60)],
        made_up.TAGANROG: [made_up.topic_row(made_up.TAGANROG, "Ямы", received=99)],
        made_up.AKSAY: [made_up.topic_row(made_up.AKSAY, "Снег", received=40)],
    }
    (riser,) = oblast(topics=topics).risers
    assert riser.place is not None
    assert riser.place.key[1] == made_up.AKSAY


def test_topic_without_a_known_week_before_is_no_riser() -> None:
    row = made_up.topic_row(OBLAST, "Снег", received_prev=None, received_delta=None)
    assert oblast(topics={OBLAST: [row]}).risers == []


def test_municipalities_the_worst_zone_first_and_the_rest_of_the_oblast_last() -> None:
    wanted = [("red", 0.5), ("red", 0.6), ("yellow", 0.8), ("green", 0.97), ("few", 0.0), (None, None)]
    places, weeks = {}, dict(made_up.weekly().weeks)
    for number, (zone, share) in reversed(list(enumerate(wanted))):
        oktmo = f"6060{number:04}"
        places[oktmo] = Row("dim_municipality", (oktmo,), {"name": f"Район {number}", "type": "municipal_district"})
        weeks[oktmo, ALL] = [made_up.week_row(oktmo, zone=zone, on_time_share=share)]
    places["60000000"] = Row("dim_municipality", ("60000000",), {"name": "Область", "type": "oblast"})
    weeks["60000000", ALL] = [made_up.week_row("60000000", zone="red", on_time_share=0.1)]
    common = made_up.common()
    object.__setattr__(common, "municipalities", places)

    shown = oblast(common=common, weeks=weeks, topics={}).municipalities
    assert [row["zone"] for row in shown] == [zone for zone, _ in wanted] + ["red"]
    assert [row["on_time_share"] for row in shown[:2]] == [0.5, 0.6]


def test_authorities_are_ranked_only_where_the_mart_says_so_and_never_in_both_lists() -> None:
    rows = [made_up.authority_row(f"Орган {number}", float(number)) for number in range(8)]
    rows += [made_up.authority_row("мало", 0.5, is_ranked=False), made_up.authority_row("только ПОС", None)]
    rows += [made_up.authority_row("(не указано)", 0.1)]
    made = oblast(authorities=rows)
    assert [row["median_first_answer_minutes"] for row in made.fastest] == [0, 1, 2, 3, 4]
    assert [row["median_first_answer_minutes"] for row in made.slowest] == [7, 6, 5]


def test_municipality_sees_no_other_municipality() -> None:
    made = edition.make(made_up.weekly(), made_up.TAGANROG)
    assert isinstance(made, edition.WeeklyEdition)
    assert made.typical is not None
    assert (made.municipalities, made.fastest, made.slowest, made.heat, made.least_satisfied) == ([], [], [], None, [])
    assert all(riser.place is None for riser in made.risers)


def test_signals_of_the_oblast_are_its_own_and_then_those_of_its_places_the_least_probable_first() -> None:
    rows = {
        OBLAST: [made_up.hotspot_row(ALL, 7)],
        made_up.AKSAY: [made_up.hotspot_row(made_up.AKSAY, 7, rank_in_day=2)],
        made_up.TAGANROG: [made_up.hotspot_row(made_up.TAGANROG, 7, rank_in_day=1), made_up.hotspot_row("x", 1)],
    }
    common = made_up.common(hotspots=rows)
    assert [row.key[1] for row in oblast(common=common).hotspots] == [ALL, made_up.TAGANROG, made_up.AKSAY]
    of_place = edition.make(made_up.weekly(common=common), made_up.AKSAY)
    assert [row.key[1] for row in of_place.hotspots] == [made_up.AKSAY]


def test_day_shows_of_each_hotspot_the_window_that_is_least_probable() -> None:
    rows = [
        made_up.hotspot_row(made_up.TAGANROG, 1, is_strongest_window=False),
        made_up.hotspot_row(made_up.TAGANROG, 2),
    ]
    data = made_up.daily()
    common = made_up.common(hotspots={made_up.TAGANROG: rows})
    made = edition.make(replace(data, common=common), OBLAST)
    assert [row.key[3] for row in made.hotspots] == ["2"]


def test_source_without_the_period_is_missing_and_the_other_one_is_the_headline() -> None:
    exported_at = made_up.common().as_of
    sources = [made_up.source_row("incident", "Инцидент", exported_at), made_up.source_row("pos", "ПОС", exported_at)]
    weeks = {key: rows for key, rows in made_up.weekly().weeks.items() if key[1] == "pos"}
    made = oblast(common=made_up.common(sources=sources), weeks=weeks, total="pos")
    assert made.missing == ["Инцидент"]
    assert made.now.key[1] == "pos"
    assert [(name, row is None) for name, row in made.by_source] == [("Инцидент", True), ("ПОС", False)]


def test_heat_puts_the_most_first() -> None:
    def field(place: str, group: str, received: int) -> Row:
        values = {"received": received, "received_per_10k": received / 2}
        return Row(query.WEEK_TOPICS, (made_up.WEEK.start.isoformat(), place, group), values)

    heat = oblast(heat=[field("a", "ЖКХ", 1), field("b", "ЖКХ", 2), field("b", "Дороги", 9)]).heat
    assert heat is not None
    assert (heat.places, heat.groups) == (["b", "a"], ["Дороги", "ЖКХ"])


def test_least_satisfied_are_those_who_are_so_for_sure_and_have_marks_enough() -> None:
    rows = [
        made_up.taken_row("мало оценок", rated=4, satisfied_share_high=0.1),
        made_up.taken_row("(не указано)", satisfied_share_high=0.1),
        made_up.taken_row("наверняка", satisfied_share=0.4, satisfied_share_high=0.45),
        made_up.taken_row("может быть", satisfied_share=0.3, satisfied_share_high=0.8),
    ]
    assert [row.key[1] for row in oblast(answer_quality=rows).least_satisfied] == ["наверняка", "может быть"]
