import re
import time

from support.http import ask

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d INFO route=(\S+) ms=\d+ outcome=(.+)")


def lines(folder):
    return [match.groups() for match in map(LINE.fullmatch, (folder / "app.log").read_text().splitlines()) if match]


def test_a_request_is_a_line_that_tells_route_and_outcome_and_nothing_of_what_was_asked(app, app_folder):
    time.sleep(0.5)  # a line is written when its answer has gone out already
    begun = len(lines(app_folder))
    ask(f"{app}/muddle.png?digit=4&seed=87654")
    ask(f"{app}/muddle.png?digit=secretword")
    ask(f"{app}/secretword")
    ask(f"{app}/healthz")
    time.sleep(0.5)
    assert lines(app_folder)[begun:] == [
        ("/muddle.png", "200"),
        ("/muddle.png", "400 bad-digit"),
        ("other", "404 not-found"),
    ]
    log = (app_folder / "app.log").read_text()
    assert "secretword" not in log
    assert "87654" not in log
