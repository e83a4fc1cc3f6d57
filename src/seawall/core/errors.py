"""Everything that can go wrong, in one tree.

    SeawallError
    ├── SpecError                    a file is wrong; carries file:line, path and hint
    │   ├── SpecSyntaxError          it cannot be read
    │   ├── UnknownKey               it says something that does not exist
    │   ├── UnknownPlugin            it names a plug-in that is not installed
    │   └── SpecConflict             two things in it cannot both hold
    ├── CallError                    this call failed
    │   ├── Rejected                 we said no                                        4xx
    │   │   ├── InvalidRequest       400
    │   │   ├── Unauthorized         401
    │   │   ├── BudgetExceeded       402 (not 429: the SDKs would retry)
    │   │   ├── Forbidden            403
    │   │   ├── UnknownFeature       404
    │   │   ├── TooLarge             413
    │   │   └── RateLimited          429, with a time after which to come back
    │   ├── GuardBlocked             a verdict; normally rendered as a refusal
    │   ├── Overloaded               503, we shed load
    │   ├── DeadlineExceeded         504, the call's own time is up
    │   ├── ContextError             502, the prompt could not be made
    │   │   └── WindowExceeded       400, it does not fit the model's window
    │   ├── ProviderError            502/503/504/429…; `code` says which of the kinds in `PROVIDER_KINDS`
    │   └── OutputInvalid            502, still invalid after repair
    ├── StoreError                   records cannot be kept or read
    └── PluginError                  a plug-in broke its contract; wraps the cause

Each class has a stable `code`, an HTTP `status`, whether a caller may retry, a message that is safe for
the caller, and a `hint` for the operator that never travels. Built-in exceptions mean a bug of ours: no
layer catches them, and the gateway answers `internal_error` with an id that is in the log. Cancellation
is never caught.
"""

from typing import ClassVar


class SeawallError(Exception):
    """The root of the tree. The message is safe for the caller; `hint` is for the operator."""

    code: str = "internal_error"
    status: int = 500
    retryable: bool = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SpecError(SeawallError):
    """A file is wrong: where, what, and what to do about it."""

    code = "spec_error"

    def __init__(
        self, message: str, *, file: str = "", line: int = 0, path: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.file, self.line, self.path = file, line, path

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        head = "  ".join(bit for bit in (place, self.path) if bit)
        lines = [head, f"  {self.message}"] if head else [self.message]
        lines += [f"  {line}" for line in self.hint.splitlines()]
        return "\n".join(lines)


class SpecSyntaxError(SpecError):
    """The file cannot be read as the strict YAML subset."""

    code = "spec_syntax"


class UnknownKey(SpecError):
    """The file says something that does not exist here."""

    code = "unknown_key"


class UnknownPlugin(SpecError):
    """The file names a plug-in that is not installed."""

    code = "unknown_plugin"


class SpecConflict(SpecError):
    """Two statements in the file cannot both hold."""

    code = "spec_conflict"


class CallError(SeawallError):
    """This call failed. `param` names the field of the request that is at fault, where there is one."""

    param: str = ""
    retry_after: float | None = None
    """Seconds after which a retry makes sense."""


class Rejected(CallError):
    """We said no."""

    status = 400

    def __init__(self, message: str, *, hint: str = "", param: str = "", code: str = "") -> None:
        super().__init__(message, hint=hint)
        self.param = param
        if code:
            self.code = code


class InvalidRequest(Rejected):
    """The request cannot be understood, or asks for what cannot be."""

    code, status = "invalid_request", 400


class Unauthorized(Rejected):
    """No key, or not one of ours."""

    code, status = "invalid_api_key", 401


class BudgetExceeded(Rejected):
    """The money or the tokens set aside are used up."""

    code, status = "budget_exceeded", 402


class Forbidden(Rejected):
    """The key is known but may not do this."""

    code, status = "forbidden", 403


class UnknownFeature(Rejected):
    """No feature and no model of this name."""

    code, status = "model_not_found", 404


class TooLarge(Rejected):
    """More than is taken."""

    code, status = "request_too_large", 413


class RateLimited(Rejected):
    """Too many at a time, or in too short a time."""

    code, status, retryable = "rate_limited", 429, True

    def __init__(self, message: str, *, retry_after: float, hint: str = "", limit: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after
        self.limit = limit


class GuardBlocked(CallError):
    """A guard's verdict stopped the call."""

    code, status = "guard_blocked", 400


class Overloaded(CallError):
    """We shed load before it hurts those already being served."""

    code, status, retryable = "overloaded", 503, True

    def __init__(self, message: str, *, retry_after: float = 1.0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class DeadlineExceeded(CallError):
    """The time allowed to the whole call is used up."""

    code, status, retryable = "deadline_exceeded", 504, True


class ContextError(CallError):
    """The prompt could not be made."""

    code, status = "context_error", 502


class WindowExceeded(ContextError):
    """It does not fit the model's window."""

    code, status = "context_length_exceeded", 400


class ProviderError(CallError):
    """An attempt at a target failed. `code` is one of `KINDS`; the rest follows from it."""

    KINDS: ClassVar[dict[str, tuple[int, bool, bool]]] = {
        # code: (status for our caller, try the same target again, try another target)
        "rate_limited": (429, True, True),
        "overloaded": (503, True, True),
        "unavailable": (502, True, True),  # 5xx, refused or reset connection, before any answer
        "connect_failed": (502, False, True),
        "first_token_timeout": (504, False, True),  # silent: do not ask it again
        "timeout": (504, False, True),
        "idle_timeout": (504, False, True),
        "protocol_error": (502, False, True),  # it does not speak HTTP or its own API
        "bad_response": (502, True, True),  # an error or nonsense under status 200
        "stream_interrupted": (502, True, True),
        "auth": (502, False, True),  # *our* key was refused: not the caller's 401
        "not_found": (502, False, True),
        "context_length": (400, False, True),
        "bad_request": (400, False, False),
        "content_filtered": (400, False, False),
    }

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str = "",
        upstream_status: int = 0,
        retry_after: float | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.status, self.retryable, self.elsewhere = self.KINDS[code]
        self.upstream_status = upstream_status
        self.retry_after = retry_after
        self.request_id = request_id


class OutputInvalid(CallError):
    """The answer still does not meet its form after repair."""

    code, status = "output_invalid", 502


class StoreError(SeawallError):
    """Records cannot be kept or read."""

    code, status, retryable = "store_error", 503, True


class PluginError(SeawallError):
    """A plug-in broke its contract."""

    code = "plugin_error"
