"""The whole error tree. The docstring of an error is what its reader sees when nothing else is
said; `details` goes to the log only. What is said is a `Message`, which the edge renders in the
reader's language.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.messages import Listed, Message


class EngineError(Exception):
    """The request could not be carried out."""

    status = 500
    code = "error"

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or Message((self.__doc__ or "").strip())
        self.code = str(details.pop("code", self.code))
        self.details = details
        super().__init__(self.message)


class Refused(EngineError):
    """您没有办理此事项的权限。"""

    status = 403
    code = "refused"


class LoggedOut(EngineError):
    """登录已失效，请重新登录；您填写的内容还在这个页面上。"""

    status = 401
    code = "logged_out"


class NotFound(EngineError):
    """没有找到，或您无权查看。"""

    status = 404
    code = "not_found"


class Conflict(EngineError):
    """已有人先行办理，请刷新后再看。"""

    status = 409
    code = "conflict"


class NotPrintable(EngineError):
    """文书缺少应写明的事实，不能印发。"""

    status = 409
    code = "not_printable"


class Invalid(EngineError):
    """填写的内容有误，请按提示修改。"""

    # `fields`: the faults by field; `sound`: the answers that are right beside them.

    status = 422
    code = "invalid"

    def __init__(self, fields: dict[str, list[str]] | str, **details: Any) -> None:
        self.fields: dict[str, list[str]] = {"_": [fields]} if isinstance(fields, str) else fields
        self.sound: Mapping[str, Any] = {}
        super().__init__(self._listed(), **details)

    def add(self, faults: list[str]) -> None:
        """Faults of the whole, beside those of fields."""
        if faults:
            self.fields.setdefault("_", []).extend(faults)
            self.message = self._listed()

    def _listed(self) -> Listed:
        return Listed((fault for faults in self.fields.values() for fault in faults), "；")


class ProcessFault(EngineError):
    """流程定义有误，本件已登记为异常，请与办公室联系。"""

    code = "process_fault"

    def __init__(
        self, message: str, file: str = "", element: str = "", advice: str = "", **details: Any
    ) -> None:
        self.file, self.element, self.advice = file, element, advice
        super().__init__(message, **details)


class Unavailable(EngineError):
    """数据库暂时不可用，什么都没有改动，请稍后再试。"""

    status = 503
    code = "unavailable"


class HistoryBroken(EngineError):
    """历史记录校验未通过。"""

    code = "history_broken"
