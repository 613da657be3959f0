"""Errors that are shown to people: one sentence that names the thing, the cause and the remedy."""


class KBuilderError(Exception):
    """Something the user can mend. The text is complete: what, found, expected, what to do."""


class FileRefusedError(KBuilderError):
    """A file that cannot be read as what it claims to be; it was left as it is."""


class SaveError(KBuilderError):
    """Writing failed; whatever stood at the target before still stands there."""
