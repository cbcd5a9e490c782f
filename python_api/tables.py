"""Makes pandas data frames; pandas itself is optional."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any


def data_frame(rows: Sequence[Mapping[str, object]], columns: Sequence[str] | None = None) -> Any:
    """Returns a pandas DataFrame. Raises ModuleNotFoundError, saying what to install, where there is no pandas."""
    try:
        pandas = import_module("pandas")
    except ModuleNotFoundError:
        raise ModuleNotFoundError("to_pandas needs one more package: pip install pandas", name="pandas") from None
    return pandas.DataFrame(rows, columns=columns)
