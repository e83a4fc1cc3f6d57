"""One running Seawall: opens what a project needs, answers for it, swaps it, closes it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self

import msgspec

from seawall.core.call import Call, Principal
from seawall.core.errors import Forbidden, SeawallError, StoreError, UnknownFeature
from seawall.core.groups import collapse_groups
from seawall.core.handler import Handler
from seawall.core.ports import Clock, ModelInfo, Store
from seawall.core.request import ChatRequest
from seawall.layers.input.limits import LimitState
from seawall.layers.llm.pricing import load_built_in
from seawall.layers.monitoring.closing import Closing
from seawall.layers.monitoring.metrics import CallMetrics, Registry
from seawall.layers.monitoring.recorder import CallRecorder
from seawall.plugins.stores import open_store
from seawall.runtime.assemble import Ground, assemble
from seawall.runtime.clock import SystemClock
from seawall.runtime.graph import Graph
from seawall.runtime.keyring import KeyRing
from seawall.runtime.pepper import load_pepper
from seawall.runtime.project import read_project, store_url
from seawall.runtime.watch import Stamp, stamp
from seawall.spec.plan import Project

log = logging.getLogger("seawall")

REFRESH_EVERY = 0.5
"""Seconds between two looks at the keys and the files: a revoked key is refused within a second."""


INDEX_AT_ONCE = 100
"""Calls whose words are put into the search index at a time, while there is nothing else to write."""


class App:
    """Features ready to be called. Made by `App.open`."""

    def __init__(self, project: Project, store: Store, recorder: CallRecorder, keys: KeyRing) -> None:
        self.project = project
        self.store = store
        self.recorder = recorder
        self.keys = keys
        self.clock: Clock = SystemClock()
        self.registry = Registry()
        self.calls = CallMetrics(self.registry)
        self._opened = int(self.clock.wall())
        self.last_reload_error = ""
        self._reloads = self.registry.counter(
            "seawall_reloads_total", "Reloads of the project's files by result.", ("result",)
        )
        self._ground = Ground(
            recorder=recorder,
            limits=LimitState(),
            clock=self.clock,
            closing=Closing(recorder, self.calls.observe, asyncio.get_running_loop().call_soon),
            prices=load_built_in(),
        )
        self.graph: Graph = assemble(project, self._ground)
        self._stamp: Stamp = stamp(project)
        self._retired: asyncio.TaskGroup | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, *, project: Project | None = None) -> AsyncIterator[Self]:
        """The project in *folder* (or *project* itself), with its store, until the context is left.

        Leaving waits for the calls under way and for the records still on their way into the store.
        Raises `SpecError` for files that are wrong and `StoreError` for a store that cannot be used.
        """
        project = project or read_project(folder)
        async with AsyncExitStack() as stack:
            state = project.state_folder
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            store = open_store(store_url(project))
            stack.callback(store.close)
            await asyncio.to_thread(store.migrate)
            recorder = CallRecorder(
                store, state / "spool", when_idle=lambda: store.index_pending(INDEX_AT_ONCE)
            )
            recorder.start()
            stack.callback(recorder.close)
            keys = KeyRing(load_pepper(state), await asyncio.to_thread(store.list_keys), SystemClock())
            app = cls(project, store, recorder, keys)
            with collapse_groups():
                async with asyncio.TaskGroup() as tasks:
                    app._retired = tasks
                    refresher = tasks.create_task(app._refresh())
                    yield app
                    refresher.cancel()
                    await app.graph.close()
                    app._ground.closing.flush()

    def authenticate(self, key: bytes) -> Principal:
        """Whose key this is. Raises `Unauthorized`."""
        return self.keys.principal(key)

    def admit(
        self, request: ChatRequest, principal: Principal, *, dialect: str, correlation_id: str
    ) -> tuple[Call, Handler]:
        """A call of the feature that *request* names, and what answers it.

        Raises `UnknownFeature` where there is none, and also where this key may not know of it.
        """
        feature = self.graph.find(request.model)
        if not principal.may_use(feature.name):
            if feature.passthrough:
                raise Forbidden(
                    f"this key may use certain features only, not the model {request.model!r}", param="model"
                )
            raise UnknownFeature(f"no feature or model {request.model!r}", param="model")
        call = feature.open_call(
            request, principal, dialect=dialect, correlation_id=correlation_id, clock=self.clock
        )
        return call, feature.handler

    def models(self, principal: Principal) -> list[ModelInfo]:
        """What *principal* may put into `model`: features by name. Pass-through models are not listed."""
        return [
            ModelInfo(feature.name, f"seawall:{feature.owner or 'default'}", self._opened)
            for name, feature in sorted(self.graph.features.items())
            if principal.may_use(name)
        ]

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """Whether calls can be taken and recorded, and the details for those who may see them."""
        counters = self.recorder.counters
        return counters.writing, {
            "digest": self.graph.digest,
            "features": sorted(self.graph.features),
            "in_flight": self.graph.in_flight,
            "recorder": msgspec.structs.asdict(counters),
            "last_reload_error": self.last_reload_error,
        }

    def metrics(self) -> bytes:
        """All figures in the Prometheus text format."""
        return self.registry.render()

    async def reload(self) -> bool:
        """Read the files again and swap to what they say now; on any error the old state goes on.

        Where to listen, the state folder and the store are the process's own: they change at a restart.
        """
        try:
            project = await asyncio.to_thread(read_project, self.project.root)
            graph = assemble(project, self._ground)
        except SeawallError as error:
            self._reloads.labels("failed").inc()
            self.last_reload_error = str(error)
            log.error("the project's files are wrong; the state before goes on:\n%s", error)  # noqa: TRY400
            return False
        old, self.graph, self.project = self.graph, graph, project
        self._opened = int(self.clock.wall())
        self.last_reload_error = ""
        self._reloads.labels("ok").inc()
        log.info("reloaded: %d features, digest %s", len(graph.features), graph.digest[:16])
        if self._retired is not None:
            self._retired.create_task(old.close())
        return True

    async def _refresh(self) -> None:
        while True:
            await self.clock.sleep(REFRESH_EVERY)
            await self._refresh_keys()
            seen = stamp(self.project)
            if seen != self._stamp:
                self._stamp = seen
                await self.reload()
                self._stamp = stamp(self.project)

    async def _refresh_keys(self) -> None:
        try:
            self.keys.replace(await asyncio.to_thread(self.store.list_keys))
        except StoreError as error:
            log.warning("the keys could not be read again; those known are used: %s", error)
