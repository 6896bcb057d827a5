"""What can go wrong with a patch."""

from __future__ import annotations

from longbien.base.errors import Invalid, Issue


class PatchError(Invalid):
    """The patch cannot be read (400), or cannot be applied to the resource as it is now (422)."""

    @classmethod
    def malformed(cls, text: str, where: str, code: str = "structure") -> PatchError:
        return cls(text, issues=[Issue("error", code, text, where)], code=code)

    @classmethod
    def unfit(cls, text: str, where: str, code: str = "processing") -> PatchError:
        return cls(text, issues=[Issue("error", code, text, where)], code=code, status=422)
