"""What the chart needs to know of the code: the CRDs, and what this version does not carry out.

A chart is a folder that is handed on by itself, so it has copies of what lies elsewhere in the repository.
"""

from collections.abc import Mapping
from typing import Any, Final

from rollouts import plugins
from rollouts.api import keys
from rollouts.api.crds import DEFINITIONS, crd
from rollouts.planner.binding import ALL_KINDS, ROUTE_STEPS
from rollouts.planner.validation.references import KINDS
from rollouts.planner.validation.unserved import UNSERVED
from trafficrouters.base import Feature
from trafficrouters.gatewayapi.originals import ORIGINALS

FILES: Final = "charts/rollouts/files"
FACTS_PATH: Final = f"{FILES}/facts.yaml"


def files() -> Mapping[str, Any]:
    """Content of each generated file, by path."""
    crds = {f"{FILES}/crds/{one.kind.name.lower()}.yaml": crd(one) for one in DEFINITIONS}
    return {**crds, FACTS_PATH: facts()}


def facts() -> dict[str, Any]:
    """What the admission policies say of this version, and the annotations that they go by."""
    routers, steps = plugins.routers(), plugins.steps()
    return {
        "partitionManagedBy": keys.PARTITION_MANAGED_BY,
        "originalWeights": ORIGINALS,
        "routers": sorted(key for key in routers if "/" not in key),
        "plugins": sorted(key for key in routers if "/" in key),
        "routersServed": f"this version serves {', '.join(sorted(routers))}",
        "headerless": sorted(key for key, router in routers.items() if Feature.HEADER_ROUTES not in router.supports),
        "weightless": sorted(
            key for key, router in routers.items() if Feature.MAX_TRAFFIC_WEIGHT not in router.supports
        ),
        "steps": sorted(steps),
        "routeSteps": sorted(ROUTE_STEPS),
        "unservedSteps": [kind for kind in ALL_KINDS if kind not in steps],
        "stepsServed": f"this version carries out {', '.join(sorted(steps))}",
        "workloads": list(KINDS),
        "unserved": [{"path": row.path, "instead": row.instead} for row in UNSERVED],
    }
