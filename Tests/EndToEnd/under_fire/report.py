"""What a scenario finds: a verdict a line, figures, and a summary for scripts."""

import contextlib
import json
import sys
import time

SHOWN_PROBLEMS = 5
PROGRESS_SECONDS = 5


class Report:
    def __init__(self, scenario):
        self.scenario = scenario
        self.started = time.monotonic()
        self.checks = []
        self.figures = {}
        self._last_progress = 0.0

    def _line(self, text):
        seconds = time.monotonic() - self.started
        print(f"{seconds:7.1f} s  {text}", flush=True)

    def progress(self, text):
        """Says what begins now."""
        self._last_progress = time.monotonic()
        self._line(text)

    def keep_alive(self, text):
        """Says how far it is, every few seconds."""
        if time.monotonic() - self._last_progress >= PROGRESS_SECONDS:
            self.progress(text)

    def check(self, name, problems):
        """Notes a verdict: it holds when there are no problems. Returns whether it does."""
        problems = list(problems)
        self.checks.append({"check": name, "passed": not problems, "problems": problems[:100]})
        self._line(f"{'FAILED' if problems else 'passed'}  {name}")
        for problem in problems[:SHOWN_PROBLEMS]:
            self._line(f"          {problem}")
        if len(problems) > SHOWN_PROBLEMS:
            self._line(f"          and {len(problems) - SHOWN_PROBLEMS:,} more")
        return not problems

    @contextlib.contextmanager
    def as_one(self, name):
        """Makes one verdict of the checks in its block."""
        before, self.checks = self.checks, []
        line, self._line = self._line, lambda text: None
        try:
            yield
        finally:
            inner, self.checks, self._line = self.checks, before, line
        self.check(
            name,
            [
                f"{check['check']}: {problem}"
                for check in inner
                if check["passed"] is False
                for problem in check["problems"]
            ],
        )

    def skip(self, name, reason):
        self.checks.append({"check": name, "passed": None, "problems": [reason]})
        self._line(f"skipped {name}: {reason}")

    def figure(self, name, value, unit=""):
        self.figures[name] = value
        shown = f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
        self._line(f"        {name}: {shown} {unit}".rstrip())

    @property
    def passed(self):
        return bool(self.checks) and all(check["passed"] is not False for check in self.checks)

    def finish(self, json_path=None):
        """Prints the last line and returns the exit code."""
        seconds = time.monotonic() - self.started
        failed = sum(check["passed"] is False for check in self.checks)
        passed = sum(check["passed"] is True for check in self.checks)
        skipped = len(self.checks) - failed - passed
        self._line(
            f"{self.scenario}: {passed} checks passed, {failed} failed"
            + (f", {skipped} skipped" if skipped else "")
        )
        if json_path:
            summary = {
                "scenario": self.scenario,
                "passed": self.passed,
                "seconds": round(seconds, 1),
                "checks": self.checks,
                "figures": self.figures,
            }
            text = json.dumps(summary, indent=2)
            if json_path == "-":
                print(text)
            else:
                with open(json_path, "w", encoding="utf-8") as file:
                    file.write(text + "\n")
        sys.stdout.flush()
        return 0 if self.passed else 1
