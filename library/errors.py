"""Defines the one family of errors that are fit to show: what happened, and what to do next."""

from library.messages import Message, Value, render

UNEXPECTED = Message("unexpected")


class LikenessError(Exception):
    """Tells of a failure that a person can act on, as a code and values that are rendered where it is shown.

    Anything else is a bug and keeps its traceback. As text it is the sentence in English, for logs and programs.
    """

    def __init__(self, code: str, **values: "Value | LikenessError") -> None:
        """Takes a code of the tables in library/messages, and the `values` of its placeholders."""
        super().__init__(code)
        plain = {name: each.message if isinstance(each, LikenessError) else each for name, each in values.items()}
        self.message: Message = Message(code, plain)

    def __str__(self) -> str:
        return render(self.message)


class RejectedImage(LikenessError):
    """These bytes are not a picture that can be kept."""


class InvalidContentId(LikenessError):
    """A content ID is 64 lower-case hex digits; this is something else."""


class InvalidQuery(LikenessError):
    """The query cannot be answered as it is."""


class UnknownPicture(LikenessError):
    """No picture in the library has this content ID."""


class OriginalAway(LikenessError):
    """The picture is in the library, but its original cannot be had from where it lies."""


class NotAllowed(LikenessError):
    """EDITS does not permit this change."""


class LibraryClosed(LikenessError):
    """The library was closed: it has to be opened again."""


class UnknownModel(LikenessError):
    """CLIP_MODEL names nothing that can serve as an encoder: the setting has to change."""


class ModelUnavailable(LikenessError):
    """The model exists but cannot be had right now."""


class IndexUnavailable(LikenessError):
    """Milvus does not answer, or does not answer as it should."""


class InvalidSelection(LikenessError):
    """The pictures to import or export cannot be selected like this."""


class InvalidArgument(InvalidSelection):
    """The argument of a call, or the option of a command, cannot be what it is.

    It is an InvalidSelection too, as it was called before.
    """


class UnknownSource(LikenessError):
    """There is nothing at this place that pictures could be imported from."""


class SourceUnavailable(LikenessError):
    """A place that pictures come from cannot be read right now."""


class InvalidEvaluation(LikenessError):
    """The evaluation or measurement cannot be done as it was requested."""


class InvalidPack(LikenessError):
    """This is no pack, or a damaged one, or one that does not fit here."""


class InvalidBackup(LikenessError):
    """This is no backup, or no place for one."""


class StoreUnavailable(LikenessError):
    """The image store cannot be read or written."""


class UnknownStore(LikenessError):
    """IMAGE_STORE names nothing that can keep pictures here: the setting, or what is installed, has to change."""


class UnknownCollection(LikenessError):
    """There is no collection of this name, or none that may be dropped."""


class AddressUnavailable(LikenessError):
    """The page cannot be served at the address and port of the settings."""


class InvalidFilter(LikenessError):
    """A condition of a filter cannot be what was meant: its field, its operator or its value."""
