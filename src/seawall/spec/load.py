"""Read a project: a folder with `seawall.yaml`, `features/*.yaml` and the files they name.

All problems of a project are found in one go and raised together. A load reads files and the environment;
it writes nothing, opens no connection and runs nothing.
"""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from seawall.core.errors import SpecError
from seawall.spec.check import (
    Known,
    check_feature,
    check_names,
    check_pass_through,
    check_process,
    check_prompt,
    check_sizes,
)
from seawall.spec.decode import Decoder
from seawall.spec.digest import feature_digest, file_digest, project_digest
from seawall.spec.layout import Layout
from seawall.spec.model import FeatureFile, ProcessFile, Prompt, Validation
from seawall.spec.output import MOST_BYTES as MOST_SCHEMA
from seawall.spec.output import OutputSchema, read_schema
from seawall.spec.places import is_file, read_key_file
from seawall.spec.plan import DEFAULT_FEATURE, Feature, Project, PromptPlan, Provider
from seawall.spec.problems import BadValue, Findings, Source, SpecErrors
from seawall.spec.prompt import parse_prompt
from seawall.spec.yaml import Mapping as MappingNode
from seawall.spec.yaml import Scalar, read_yaml

PROCESS_FILE = "seawall.yaml"
FEATURES_FOLDER = "features"
MOST_PROMPT = 256 * 1024
"""Bytes of a prompt file."""
BUILT_IN_KINDS = ("openai",)
"""Kinds of providers that come with this package."""


def load_project(
    path: Path | str,
    *,
    vendors: Collection[str],
    without_address: Collection[str] = (),
    kinds: Collection[str] = (),
    environ: Mapping[str, str] | None = None,
    bare: bool = False,
) -> Project:
    """The project in the folder *path*; with *bare* also where there are no files: all is default then.

    *vendors* are the vendors whose dialect is known; except those *without_address* they need no entry of
    their own. *kinds* are kinds of providers installed beside the built-in ones; *environ* (default: the
    process's) is where `${NAME}` is looked up. Raises `SpecErrors` with every problem of every file.
    """
    root = Path(path).resolve()
    known = Known(frozenset(vendors), frozenset(without_address), tuple(sorted({*BUILT_IN_KINDS, *kinds})))
    reading = _Reading(root, known, os.environ if environ is None else environ, bare=bare)
    return reading.project()


class _Reading:
    """One load."""

    def __init__(self, root: Path, known: Known, environ: Mapping[str, str], *, bare: bool) -> None:
        self._root = root
        self._bare = bare
        self._known = known
        self._environ = environ
        self._findings = Findings()
        self._layout = Layout()

    def project(self) -> Project:
        files = self._feature_files()
        process, at_process = self._process()
        check_process(process, at_process, self._known)
        check_pass_through(process.default, at_process, self._known)
        providers = self._providers(process, at_process)
        default = self._default(process, at_process)
        read = [each for file in files if (each := self._feature(file))]
        check_names((feature.name, source) for feature, source in read)
        sizes = [(feature.input, source, "input.size") for feature, source in read]
        check_sizes([*sizes, (default.input, at_process, "default.input.size")], process.limits.body)
        self._findings.raise_any()
        project = Project(
            root=self._root,
            listen=process.listen,
            state=process.state,
            store=process.store,
            providers=providers,
            features={feature.name: _sealed(feature, providers) for feature, _ in read},
            default=_sealed(default, providers),
            allow_models=process.default.allow_models,
            body_limit=process.limits.body,
            drain=process.drain,
            warnings=tuple(sorted(self._findings.warnings, key=lambda each: (each.file, each.line))),
            origins=at_process.origins,
        )
        return msgspec.structs.replace(project, digest=project_digest(project))

    def _feature_files(self) -> list[Path]:
        folder = self._root / FEATURES_FOLDER
        if not self._bare and not folder.is_dir() and not (self._root / PROCESS_FILE).is_file():
            found = (
                "no folder" if not self._root.is_dir() else f"neither {PROCESS_FILE} nor {FEATURES_FOLDER}/"
            )
            hint = "A project is a folder with those; `seawall init` makes one"
            raise SpecErrors([SpecError(f"{found} in {self._root.name!r}", hint=hint)])
        try:
            files = sorted(folder.iterdir()) if folder.is_dir() else []
        except OSError as error:
            problem = SpecError(f"cannot be read: {error.strerror}", file=FEATURES_FOLDER)
            raise SpecErrors([problem]) from error
        for file in files:
            if file.suffix == ".yml":
                name = file.relative_to(self._root).as_posix()
                self._findings.problems.append(
                    SpecError("the file would not be read", file=name, hint="Name it .yaml")
                )
        return [file for file in files if file.suffix == ".yaml" and not file.name.startswith(".")]

    def _source(self, path: Path) -> Source:
        return Source(path, self._root, self._findings, self._environ)

    def _process(self) -> tuple[ProcessFile, Source]:
        source = self._source(self._root / PROCESS_FILE)
        node = read_yaml(source) if source.path.is_file() else None
        process = Decoder(source, self._layout).section(node, ProcessFile, "") if node else None
        if process is None:  # all defaults: either there is no file, or what is wrong with it is remembered
            scratch = Source(source.path, self._root, Findings(), self._environ)
            process = Decoder(scratch, self._layout).section(_EMPTY, ProcessFile, "")
            if process is None:
                raise TypeError("seawall.yaml has a default for everything but its format")
            source.origins = {**scratch.origins, "seawall": "default"}
        # Also an entry that is wrong is declared: its features are not to be blamed for it.
        entries = node.items.get("providers") if isinstance(node, MappingNode) else None
        named = entries[1].items if entries and isinstance(entries[1], MappingNode) else {}
        self._known = msgspec.structs.replace(self._known, declared=frozenset(named))
        return process, source

    def _providers(self, process: ProcessFile, source: Source) -> dict[str, Provider]:
        providers = {}
        for name, entry in process.providers.items():
            key = entry.key
            if key is None and entry.key_file:
                try:
                    key = read_key_file(entry.key_file, source)
                except BadValue as error:
                    source.problem(str(error), f"providers.{name}.key_file", error.hint)
            ca_file = str(self._root / entry.ca_file) if entry.ca_file else ""
            if ca_file and not is_file(Path(ca_file)):
                source.problem(f"there is no file {entry.ca_file!r}", f"providers.{name}.ca_file")
            providers[name] = Provider(
                name=name,
                kind=entry.kind,
                vendor=entry.vendor or (name if name in self._known.vendors else ""),
                base_url=entry.base_url,
                key=key,
                connect_timeout=entry.connect_timeout,
                ca_file=ca_file,
            )
        return providers

    def _default(self, process: ProcessFile, source: Source) -> Feature:
        default = process.default
        files: dict[str, str] = {}
        output = self._output(default.validation, source, "default.validation.output", files)
        prefix = "default."
        return Feature(
            name=DEFAULT_FEATURE,
            version="",
            file=source.file if source.path.is_file() else "",
            intent=None,
            input=default.input,
            prompt=None,
            llm=default.llm,
            targets=(),
            validation=default.validation,
            output=output,
            monitoring=default.monitoring,
            files=files,
            origins={
                path.removeprefix(prefix): origin
                for path, origin in source.origins.items()
                if path.startswith(prefix)
            },
        )

    def _feature(self, path: Path) -> tuple[Feature, Source] | None:
        source = self._source(path)
        if not path.resolve().is_relative_to(self._root):
            source.problem("the file is outside the project", "")
            return None
        node = read_yaml(source)
        read = Decoder(source, self._layout).section(node, FeatureFile, "") if node else None
        if read is None:
            return None
        check_feature(read, source, self._known)
        files: dict[str, str] = {}
        prompt = read.context.prompt
        return Feature(
            name=read.feature,
            version=read.version,
            file=source.file,
            intent=read.intent,
            input=read.input,
            prompt=self._prompt(prompt, source, files) if prompt else None,
            llm=read.llm,
            targets=read.llm.targets,
            validation=read.validation,
            output=self._output(read.validation, source, "validation.output", files),
            monitoring=read.monitoring,
            files=files,
            origins=source.origins,
        ), source

    def _prompt(self, prompt: Prompt, source: Source, files: dict[str, str]) -> PromptPlan | None:
        path = "context.prompt"
        raw = self._bytes(prompt.file, MOST_PROMPT, source, f"{path}.file")
        if raw is None:
            return None
        files[prompt.file] = file_digest(raw)
        try:
            template = parse_prompt(raw.decode().removeprefix("\ufeff"), prompt.file)
        except UnicodeDecodeError:
            source.problem(f"{prompt.file!r} is not UTF-8", f"{path}.file")
            return None
        except SpecErrors as error:
            self._findings.problems += error.problems
            return None
        check_prompt(prompt, template, source, path)
        return PromptPlan(prompt.file, files[prompt.file], template, prompt.variables, prompt.date == "today")

    def _output(
        self, validation: Validation, source: Source, path: str, files: dict[str, str]
    ) -> OutputSchema | None:
        if validation.output is None:
            return None
        raw = self._bytes(validation.output, MOST_SCHEMA, source, path)
        if raw is None:
            return None
        files[validation.output] = file_digest(raw)
        schema, problems = read_schema(raw, validation.output)
        self._findings.problems += problems
        if schema is not None and schema.document.get("type") != "object":
            source.warn(
                f"the schema {validation.output!r} does not say type: object",
                path,
                "Providers that constrain the answer to a schema take objects only",
            )
        return schema

    def _bytes(self, name: str, most: int, source: Source, path: str) -> bytes | None:
        try:
            with (self._root / name).open("rb") as file:
                raw = file.read(most + 1)
        except OSError as error:
            source.problem(f"{name!r} cannot be read: {error.strerror}", path)
            return None
        if len(raw) > most:
            source.problem(f"{name!r} is larger than {most} bytes", path)
            return None
        return raw


def _sealed(feature: Feature, providers: Mapping[str, Provider]) -> Feature:
    """The feature with its digest."""
    return msgspec.structs.replace(feature, digest=feature_digest(feature, providers))


_EMPTY = MappingNode(0, {"seawall": (0, Scalar(0, "1", 1))})
