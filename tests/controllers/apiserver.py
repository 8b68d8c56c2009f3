"""An API server in memory, on loopback: versions, conflicts, names taken, watches; nothing controls anything in it."""

import asyncio
import copy
import itertools
import json
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from aiohttp import web

from rollouts.wire.mergepatch import apply as merged
from tests.kube.server import client_of, serving, status


class Write(NamedTuple):
    verb: str
    resource: str
    name: str

    def __str__(self):
        return " ".join(self)


class ApiServer:
    """Objects by path. *refuse* may answer a write in place of the server; *after* hears of each accepted write."""

    def __init__(self):
        self.objects = {}
        self.writes = []
        self.url = ""
        self.refuse = lambda write, body: None
        self.after = lambda write: None
        self._versions = itertools.count(1000)
        self._watches = []

    def put(self, plural, found, *, group="argoproj.io/v1alpha1"):
        meta = found["metadata"]
        meta.setdefault("namespace", "shop")
        meta.setdefault("uid", f"uid-{meta['name']}")
        meta.setdefault("generation", 1)
        root = f"/apis/{group}" if "/" in group else f"/api/{group}"
        path = f"{root}/namespaces/{meta['namespace']}/{plural}/{meta['name']}"
        return self._store(path, found, "MODIFIED" if path in self.objects else "ADDED")

    def get(self, plural, name):
        return next((one for path, one in self.objects.items() if path.endswith(f"/{plural}/{name}")), None)

    def all(self, plural):
        return [one for path, one in self.objects.items() if path.split("/")[-2] == plural]

    def delete(self, plural, name):
        """What `kubectl delete` does."""
        self._remove(next(path for path in self.objects if path.endswith(f"/{plural}/{name}")))

    def wrote(self, *prefixes):
        """The accepted writes, as text; with *prefixes* those that begin like one of them."""
        return [str(write) for write in self.writes if not prefixes or str(write).startswith(prefixes)]

    async def answer(self, request):
        if request.method == "GET":
            return await self._read(request)
        text = await request.text()
        body = json.loads(text) if text else {}
        path, _, subresource = _split(request.path)
        verb = {"POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}[request.method]
        is_new = verb == "create" and not subresource
        name = body["metadata"]["name"] if is_new else path.rsplit("/", 1)[1]
        resource = path.rsplit("/", 1)[1] if is_new else path.rsplit("/", 2)[1]
        write = Write(verb, f"{resource}/{subresource}" if subresource else resource, name)
        refused = self.refuse(write, body) or getattr(self, f"_{verb}")(path, body, subresource)
        if isinstance(refused, web.StreamResponse):
            return refused
        self.writes.append(write)
        self.after(write)
        return web.json_response(refused)

    def _create(self, path, body, subresource):
        if subresource == "eviction":
            return self._delete(path, body["deleteOptions"], "")
        path = f"{path}/{body['metadata']['name']}"
        if path in self.objects:
            return status(409, "AlreadyExists", f'"{path}" already exists')
        meta = {"namespace": path.split("/")[-3], "uid": f"uid-{next(self._versions)}", "generation": 1}
        return self._store(path, body | {"metadata": body["metadata"] | meta}, "ADDED")

    def _patch(self, path, body, subresource):
        found = self.objects.get(path)
        if found is None:
            return status(404, "NotFound", f"{path} not found")
        meta = body.get("metadata", {})
        for name in ("resourceVersion", "uid"):
            if name in meta and meta[name] != found["metadata"][name]:
                return status(409, "Conflict", "the object has been modified")
        wanted = merged(found, {"status": body["status"]} if subresource else body)
        if wanted.get("spec") != found.get("spec"):
            wanted["metadata"] = wanted["metadata"] | {"generation": found["metadata"]["generation"] + 1}
        if self._is_over(wanted):
            return self._remove(path)
        return self._store(path, wanted, "MODIFIED")

    def _update(self, path, body, _):
        if path not in self.objects:
            return status(404, "NotFound")
        return self._store(path, body, "MODIFIED")

    def _delete(self, path, body, _):
        found = self.objects.get(path)
        if found is None:
            return status(404, "NotFound", f"{path} not found")
        for name, wanted in body.get("preconditions", {}).items():
            if wanted != found["metadata"][name]:
                return status(409, "Conflict", f"precondition {name}")
        if found["metadata"].get("finalizers"):
            going = found["metadata"] | {"deletionTimestamp": "2026-01-01T00:00:00Z"}
            return self._store(path, found | {"metadata": going}, "MODIFIED")
        return self._remove(path)

    def _is_over(self, found):
        meta = found["metadata"]
        return bool(meta.get("deletionTimestamp")) and not meta.get("finalizers")

    def _remove(self, path):
        found = self.objects.pop(path)
        self._tell(path, "DELETED", self._stamped(found))
        return {"kind": "Status", "status": "Success", "metadata": found["metadata"]}

    def _store(self, path, found, change):
        found = self._stamped(copy.deepcopy(found))
        self.objects[path] = found
        self._tell(path, change, found)
        return found

    def _stamped(self, found):
        return found | {"metadata": found["metadata"] | {"resourceVersion": str(next(self._versions))}}

    def _tell(self, path, change, found):
        for base, selects, queue in self._watches:
            if _within(path, base) and selects(found):
                queue.put_nowait({"type": change, "object": found})

    async def _read(self, request):
        found = self.objects.get(request.path)
        if found is not None:
            return web.json_response(found)
        if len(request.path.partition("/namespaces/")[2].split("/")) == 3:
            return status(404, "NotFound", f'"{request.path.rsplit("/", 1)[1]}" not found')
        selects = _selector(request.query.get("labelSelector", ""))
        if request.query.get("watch"):
            return await self._stream(request, selects)
        items = [one for path, one in self.objects.items() if _within(path, request.path) and selects(one)]
        return web.json_response({"metadata": {"resourceVersion": str(next(self._versions))}, "items": items})

    async def _stream(self, request, selects):
        queue = asyncio.Queue()
        since = int(request.query["resourceVersion"])
        for path, found in self.objects.items():
            newer = int(found["metadata"]["resourceVersion"]) > since
            if newer and _within(path, request.path) and selects(found):
                queue.put_nowait({"type": "MODIFIED", "object": found})
        watching = (request.path, selects, queue)
        self._watches.append(watching)
        stream = web.StreamResponse()
        await stream.prepare(request)
        with suppress(ConnectionError):
            try:
                while True:
                    await stream.write(json.dumps(await queue.get()).encode() + b"\n")
            finally:
                self._watches.remove(watching)
        return stream


def _split(path):
    for subresource in ("status", "scale", "eviction"):
        if path.endswith(f"/{subresource}"):
            return path.removesuffix(f"/{subresource}"), "/", subresource
    return path, "", ""


def _within(path, base):
    """Whether the object at *path* belongs to the list at *base*: of a namespace, or of all."""
    root, _, plural = base.rpartition("/")
    listed = path.rsplit("/", 1)[0]
    return listed == base or (listed.startswith(f"{root}/namespaces/") and listed.endswith(f"/{plural}"))


def _selector(text):
    def selects(found):
        labels = found["metadata"].get("labels", {})
        if text.startswith("!"):
            return text[1:] not in labels
        name, equals, value = text.partition("=")
        return not text or (labels.get(name) == value if equals else name in labels)

    return selects


@asynccontextmanager
async def cluster(tmp_path, **options):
    """An empty API server, and a client of it."""
    async with serving(ApiServer()) as server, client_of(server, tmp_path, **options) as client:
        yield server, client
