"""The caller's own response formats, compiled once and kept while they are in use."""

from collections import OrderedDict

import msgspec

from seawall.core.errors import InvalidRequest, SpecError
from seawall.core.request import ResponseFormat
from seawall.layers.validation.schema import OutputSchema


class SchemaCache:
    """Compiled schemas by their content, the least recently used forgotten first."""

    def __init__(self, most: int = 256) -> None:
        self._most = most
        self._any_object = OutputSchema({"type": "object"})
        self._compiled: OrderedDict[bytes, OutputSchema] = OrderedDict()

    def compiled(self, form: ResponseFormat) -> OutputSchema | None:
        """The schema an answer in *form* must meet; `None` for free text. `InvalidRequest` if it is none."""
        if form.kind == "text":
            return None
        if form.kind == "json_object" or form.schema is None:
            return self._any_object
        key = msgspec.json.encode(form.schema)
        known = self._compiled.get(key)
        if known is not None:
            self._compiled.move_to_end(key)
            return known
        try:
            schema = self._compiled[key] = OutputSchema(form.schema)
        except SpecError as error:
            raise InvalidRequest(
                f"response_format: {error.message}",
                param="response_format.json_schema.schema",
            ) from error
        if len(self._compiled) > self._most:
            self._compiled.popitem(last=False)
        return schema
