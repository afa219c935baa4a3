"""What ends a compilation, in the pusher's words."""


class Failed(Exception):
    """A part of it failed.

    Attributes:
        doing: what the pusher would call the work.
        detail: what is wrong, a sentence, where no program has said it.
        code: exit code of the program that failed; 1 where none did.
        mend: what to do about it.
    """

    def __init__(self, doing: str, detail: str = "", code: int = 1, mend: str = "") -> None:
        super().__init__(f"{doing}: {detail or code}")
        self.doing, self.detail, self.code, self.mend = doing, detail, code, mend
