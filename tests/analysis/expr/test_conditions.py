import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis.expr.conditions import judge
from rollouts.wire.gojson import encode

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ROWS = json.loads((Path(__file__).parent / "conditions.json").read_text(), parse_int=float)


@pytest.mark.parametrize(
    "row", [r for r in ROWS if "query" not in r], ids=lambda row: f"{row['run']}: {row['condition']}"
)
def test_a_condition_on_a_json_value_is_judged_as_recorded(row):
    result = row["result"]
    verdict = judge(result, row["condition"], "", NOW)
    value = "" if verdict.phase == "Error" else encode(result, sort_keys=True)
    assert (verdict.phase, verdict.message, value) == (row["measurement"], row.get("message", ""), row.get("value", ""))
