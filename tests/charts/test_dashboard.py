"""The dashboard: panels that lie beside each other, over names that the controller's code knows."""

import json
import re
from pathlib import Path

from tests.charts.conftest import CHART, ROOT, of_kind

BOARD = json.loads((CHART / "files/dashboard.json").read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
NAMES = re.compile(r"\b(?:rollout|analysis_run|workqueue|controller|argo_rollouts)_[a-z0-9_]+")
SOURCES = ("rollouts/controllers/metrics.py", "rollouts/controllers/inventory.py", "rollouts/runtime/metrics.py",
           "rollouts/controllers/main.py")  # fmt: skip


def test_the_config_map_holds_the_dashboard(render):
    (board,) = of_kind(render({"dashboard": {"enabled": True}, "installCRDs": False}), "ConfigMap")
    assert json.loads(board["data"]["rollouts.json"]) == BOARD
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_every_metric_is_one_that_the_controller_has():
    text = "".join(Path(ROOT / source).read_text() for source in SOURCES)
    names = {re.sub(r"_(bucket|count|total)$", "", name) for one in EXPRESSIONS for name in NAMES.findall(one)}
    known = re.sub(r"\{subject\}_(\w+)", r"rollout_\1 analysis_run_\1", text).replace("{state}", "available desired")
    known = re.sub(r"(rollout_info_replicas_)available desired", r"\1available \1desired", known)
    assert {name for name in names if not re.search(rf"\b{name}\b", known)} == set()
    assert len(names) > 10


def test_no_two_panels_overlap():
    taken = [
        (x, y)
        for panel in BOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(taken) == len(set(taken))
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
