import re
from collections import Counter

from support.http import ask, call
from support.loops import until

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d INFO route=(\S+) ms=\d+ outcome=(.+)")


def test_a_request_is_a_line_that_tells_route_and_outcome_and_nothing_of_its_content(app, app_folder):
    def lines():
        matches = map(LINE.fullmatch, (app_folder / "app.log").read_text().splitlines())
        return Counter(match.groups() for match in matches if match)

    before = lines()
    ask(f"{app}/muddle.png?digit=4&seed=87654")
    ask(f"{app}/muddle.png?digit=secretword")
    ask(f"{app}/secretword")
    ask(f"{app}/healthz")
    call(app, "muddle", {"digit": "secretword"})
    call(app, "about", [])
    expected = Counter(
        {
            ("/muddle.png", "200"): 1,
            ("/muddle.png", "400 bad-digit"): 1,
            ("other", "404 not-found"): 1,
            ("muddle", "bad-digit"): 1,
            ("about", "ok"): 1,
        }
    )
    until(lambda: lines() - before >= expected)  # a line is written when its answer has gone out already
    assert ("/healthz", "200") not in lines()
    log = (app_folder / "app.log").read_text()
    assert "secretword" not in log
    assert "87654" not in log
