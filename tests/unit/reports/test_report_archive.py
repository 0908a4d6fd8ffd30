from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest

from mcu.reports import archive_pages, compare, edition
from mcu.reports.archive import Archive, Archived, mail
from mcu.reports.compose import compose
from mcu.reports.document import Document
from mcu.reports.period import Period
from mcu.reports.query import ALL, OBLAST, WeeklyData
from mcu.reports.render import Attachment, Rendered, render
from tests.unit.reports import made_up

MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)


def document(data: WeeklyData | None = None, scope: str = made_up.TAGANROG, revision: int = 1) -> Document:
    return compose(edition.make(data or made_up.weekly(), scope), MOSCOW, revision)


def rendered(made: Document) -> Rendered:
    """With a file whose name is Russian and has what a path must not have split at."""
    return replace(render(made), attachments=[Attachment("Отчёт, 16–22 ноября #1.pdf", "application/pdf", b"%PDF")])


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


@pytest.fixture
def kept(archive: Archive) -> Archived:
    made = document()
    return archive.put(made, rendered(made), NOW)


def test_mail_out_of_the_archive_is_the_mail_that_was_put_in(archive: Archive, kept: Archived) -> None:
    again = archive.get(made_up.WEEK, made_up.TAGANROG, 1)
    assert again is not None
    assert mail(again) == rendered(document())
    assert again.data_as_of == made_up.common().as_of
    assert again.made_at == NOW


def test_page_refers_to_the_pictures_beside_it(kept: Archived) -> None:
    page = (kept.folder / "report.html").read_text()
    assert "cid:" not in page
    for picture in document().pictures:
        assert f'src="{picture.name}.png"' in page
        assert (kept.folder / f"{picture.name}.png").read_bytes() == picture.png


def test_edition_that_is_put_again_takes_the_place_of_the_old_one(archive: Archive, kept: Archived) -> None:
    other = document(made_up.weekly(topic="Другая тема"))
    archive.put(other, rendered(other), NOW + timedelta(hours=1))
    found = archive.get(made_up.WEEK, made_up.TAGANROG, 1)
    assert found is not None
    assert found.made_at == NOW + timedelta(hours=1)
    assert mail(found) == rendered(other)


def test_edition_that_was_not_finished_is_not_there(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    made = document()
    monkeypatch.setattr(compare, "told", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        archive.put(made, rendered(made), NOW)
    monkeypatch.undo()
    assert archive.get(made_up.WEEK, made_up.TAGANROG, 1) is None
    archive.put(made, rendered(made), NOW)
    assert [one.scope for one in archive.of_period(made_up.WEEK)] == [made_up.TAGANROG]


def test_the_newest_is_the_highest_revision_not_the_last_in_the_alphabet(archive: Archive) -> None:
    for revision in (1, 2, 10):
        made = document(revision=revision)
        archive.put(made, rendered(made), NOW)
    assert [one.revision for one in archive.of_period(made_up.WEEK)] == [1, 2, 10]


def test_old_periods_go_and_no_others(archive: Archive, kept: Archived) -> None:
    assert archive.prune(made_up.WEEK.end) == []
    assert archive.prune(made_up.WEEK.end + timedelta(days=1)) == [made_up.WEEK]
    assert list(archive.periods()) == []


def corrected() -> WeeklyData:
    """As made_up.weekly(), but a late message in Таганрог, and a mark that came later."""
    data = made_up.weekly()
    row = made_up.week_row(made_up.TAGANROG, received=1235, satisfied=36, satisfied_share=0.9, rated=40)
    weeks = dict(data.weeks) | {(made_up.TAGANROG, ALL): [data.weeks[made_up.TAGANROG, ALL][0], row]}
    return replace(data, weeks=weeks)


def test_changes_are_named_as_the_report_names_them(kept: Archived) -> None:
    found = compare.changes(kept.numbers, compare.told(document(corrected())))
    assert {
        (one.label, one.before.text, one.after.text, one.is_correction) for one in found if one.before and one.after
    } == {
        ("Коротко", "1\N{NO-BREAK SPACE}234", "1\N{NO-BREAK SPACE}235", True),
        ("Качество ответов: Довольны ответом, Неделя", "87,5\N{NO-BREAK SPACE}%", "90,0\N{NO-BREAK SPACE}%", False),
    }


def test_same_numbers_are_no_change_and_marks_alone_no_correction(kept: Archived) -> None:
    assert compare.changes(kept.numbers, compare.told(document())) == []
    data = made_up.weekly()
    row = made_up.week_row(made_up.TAGANROG, satisfied_share=0.9)
    marks = replace(
        data, weeks=dict(data.weeks) | {(made_up.TAGANROG, ALL): [data.weeks[made_up.TAGANROG, ALL][0], row]}
    )
    found = compare.changes(kept.numbers, compare.told(document(marks)))
    assert [one.is_correction for one in found] == [False]


def test_topic_that_is_in_one_edition_alone_is_shown_as_such(kept: Archived) -> None:
    found = compare.changes(kept.numbers, compare.told(document(made_up.weekly(topic="Снег"))))
    assert {"Прорыв водопровода", "Снег"} <= {
        one.path.split("/")[4] for one in found if one.path.startswith("rpt_weekly_topic")
    }
    assert all((one.before is None) != (one.after is None) for one in found)


def test_quality_of_the_data_is_no_number_of_the_period() -> None:
    assert not any(path.startswith("rpt_data_quality") for path in compare.told(document()))


def test_pages_lead_to_every_edition_and_file(archive: Archive, kept: Archived) -> None:
    oblast = document(scope=OBLAST, revision=2)
    archive.put(oblast, rendered(oblast), NOW)
    found = compare.changes(kept.numbers, compare.told(document(corrected())))
    archive_pages.write_changes(kept, found, MOSCOW)
    archive_pages.write(archive, MOSCOW)

    index = (archive.root / "index.html").read_text()
    assert 'href="weekly/2026-11-16/index.html">16–22' in index
    assert f'href="scopes/{made_up.TAGANROG}.html">город Таганрог<' in index
    period = (archive.folder(made_up.WEEK) / "index.html").read_text()
    assert 'href="oblast/r2/report.html">уточнённый, версия 2<' in period
    assert f'href="{made_up.TAGANROG}/r1/changes.html">числа изменились<' in period
    scope = (archive.root / "scopes" / f"{made_up.TAGANROG}.html").read_text()
    assert f'href="../weekly/2026-11-16/{made_up.TAGANROG}/r1/report.html">отчёт<' in scope
    for page in (index, period, scope):
        assert "http" not in page
    changes = (kept.folder / "changes.html").read_text()
    assert changes.index("Исправлено") < changes.index("1\N{NO-BREAK SPACE}235") < changes.index("Оценки и итоги")

    archive_pages.write_changes(kept, [], MOSCOW)
    assert not (kept.folder / "changes.html").exists()


def test_hostile_names_stay_text_in_the_pages(archive: Archive) -> None:
    hostile = "<script>alert(1)</script>"
    made = document(made_up.weekly(topic=hostile, common=made_up.common(hostile)))
    kept = archive.put(made, rendered(made), NOW)
    other = made_up.weekly(topic=f"{hostile}2", common=made_up.common(hostile))
    archive_pages.write_changes(kept, compare.changes(kept.numbers, compare.told(document(other))), MOSCOW)
    archive_pages.write(archive, MOSCOW)
    pages = list(archive.root.rglob("*.html"))
    assert len(pages) == 5
    for page in pages:
        assert "<script" not in page.read_text()


def test_links_of_the_pages_end_at_files(archive: Archive, kept: Archived) -> None:
    archive_pages.write(archive, MOSCOW)
    for page in archive.root.rglob("*.html"):
        for target in re.findall(r'href="([^"]+)"', page.read_text()):
            assert (page.parent / unquote(target)).exists(), f"{page}: {target}"


def test_day_is_a_period_of_its_own(archive: Archive) -> None:
    made = compose(edition.make(made_up.daily(), OBLAST), MOSCOW)
    archive.put(made, rendered(made), NOW)
    assert list(archive.periods()) == [Period("daily", date(2026, 11, 22))]
