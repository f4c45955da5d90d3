"""Stacks on ZenML's own cloud orchestrators, whose validators are run as they are.

Their clouds' packages are taken where they are installed. Where they are not, an import gets a module that has every
name, which is enough to load an orchestrator and to ask its validator.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import types
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any, ClassVar

_ROOTS = {"google", "google_cloud_pipeline_components", "kfp", "kfp_server_api", "kubernetes", "modal", "boto3"} | {
    "botocore",
    "sagemaker",
}

# Module of an orchestrator, its class, and the smallest configuration that runs pipelines on another machine.
ORCHESTRATORS: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "kubernetes": ("kubernetes", "Kubernetes", {"incluster": True}),
    "vertex": ("gcp", "Vertex", {"location": "europe-west4", "pipeline_root": "gs://bucket/root"}),
    "kubeflow": ("kubeflow", "Kubeflow", {"kubeflow_hostname": "https://kubeflow.example.com"}),
    "modal": ("modal", "Modal", {}),
    "sagemaker": ("aws", "Sagemaker", {"execution_role": "arn:aws:iam::1:role/r"}),
}


class _Everything(type):
    """A class with a class for every attribute; an exception, because some are caught."""

    def __getattr__(cls, name: str) -> Any:
        return _anything(name)


def _anything(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    # The models of Kubernetes keep their fields in these.
    return {} if name in ("openapi_types", "attribute_map") else _Everything(name, (Exception,), {})


class _Missing(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> Any:
        missing = name.partition(".")[0] in _ROOTS
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if missing else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = types.ModuleType(spec.name)
        module.__getattr__ = _anything  # type: ignore[method-assign]
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        pass


@contextmanager
def clouds() -> Iterator[None]:
    """Lets ZenML's cloud orchestrators be imported; forgets what was imported afterwards."""
    before, finder = set(sys.modules), _Missing()
    # The last one asked: what is installed is taken as it is.
    sys.meta_path.append(finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in set(sys.modules) - before:
            if name.partition(".")[0] in _ROOTS or name.startswith("zenml.integrations."):
                del sys.modules[name]


def stack_of(orchestrator: Any, tracker: Any, **others: Any) -> Any:
    """A stack whose other components are remote ones; nothing of it is stored."""
    from zenml.artifact_stores import LocalArtifactStore, LocalArtifactStoreConfig
    from zenml.container_registries import DefaultContainerRegistryFlavor
    from zenml.enums import StackComponentType
    from zenml.image_builders import LocalImageBuilder, LocalImageBuilderConfig
    from zenml.stack import Stack

    class BucketConfig(LocalArtifactStoreConfig):
        is_local: ClassVar[bool] = False

    class Bucket(LocalArtifactStore):
        local_path = None

    registry = DefaultContainerRegistryFlavor()
    parts = {
        "artifact_store": component(Bucket, BucketConfig(path=""), StackComponentType.ARTIFACT_STORE),
        "container_registry": component(
            registry.implementation_class,
            registry.config_class(uri="registry.example.com/images"),
            StackComponentType.CONTAINER_REGISTRY,
        ),
        "image_builder": component(LocalImageBuilder, LocalImageBuilderConfig(), StackComponentType.IMAGE_BUILDER),
    }
    return Stack(uuid.uuid4(), "a stack", orchestrator=orchestrator, experiment_tracker=tracker, **{**parts, **others})


def cloud_orchestrator(name: str) -> Any:
    """One of `ORCHESTRATORS`, configured to run elsewhere."""
    from zenml.enums import StackComponentType

    integration, prefix, configuration = ORCHESTRATORS[name]
    base = f"zenml.integrations.{integration}"
    flavors = importlib.import_module(f"{base}.flavors.{name}_orchestrator_flavor")
    made = importlib.import_module(f"{base}.orchestrators.{name}_orchestrator")
    config = getattr(flavors, f"{prefix}OrchestratorConfig")(**configuration)
    return component(getattr(made, f"{prefix}Orchestrator"), config, StackComponentType.ORCHESTRATOR, flavor=name)


def component(kind: type[Any], config: Any, type_: Any, *, name: str = "mine", flavor: str = "x") -> Any:
    """A component that no store knows."""
    now = datetime.now(timezone.utc)
    return kind(
        name=name, id=uuid.uuid4(), config=config, flavor=flavor, type=type_, user=None, created=now, updated=now
    )
