import pytest

from rollouts.cli.views.text import ASCII, UNICODE, Span, Style, columns, icon_of, plain, style_of


@pytest.mark.parametrize(
    ("share", "drawn"),
    [
        (0, "...."),
        (0.001, "#..."),
        (0.25, "#..."),
        (0.5, "##.."),
        (0.99, "###."),
        (1, "####"),
        (7, "####"),
        (-1, "...."),
    ],
)
def test_a_bar_shows_something_of_a_little_and_a_gap_of_almost_all(share, drawn):
    assert ASCII.bar(share, 4) == drawn


def test_a_bar_without_room_is_empty():
    assert ASCII.bar(1, 0) == ""


@pytest.mark.parametrize(
    ("word", "style"),
    [
        ("Healthy", Style.GOOD),
        ("Running", Style.BUSY),
        ("Paused", Style.HELD),
        ("Degraded", Style.BAD),
        ("ImagePullBackOff", Style.BAD),
        ("Init:Error", Style.BAD),
        ("ScaledDown", Style.FAINT),
        ("anything else", Style.BUSY),
    ],
)
def test_words_have_looks(word, style):
    assert style_of(word) is style


def test_columns_are_as_wide_as_their_widest_cell():
    rows = [[Span("a"), Span("bbb"), Span("c")], [Span("aaaa"), Span("b")]]
    assert plain(columns(rows)) == "a     bbb  c\naaaa  b\n"


def test_all_glyphs_of_one_kind_are_one_column_wide():
    for glyphs in (ASCII, UNICODE):
        icons = {icon_of(style, glyphs) for style in Style}
        assert {len(icon) for icon in icons} == {1}
        assert len({len(glyphs.branch), len(glyphs.last), len(glyphs.through)}) == 1
