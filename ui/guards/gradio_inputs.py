"""Answers calls whose inputs Gradio refuses, before any handler sees them, with a sentence."""

import logging
from typing import Any

import gradio as gr
import httpx
from gradio.block_function import BlockFunction
from gradio.components.api_component import Api
from gradio.exceptions import InvalidPathError
from gradio.processing_utils import check_all_files_in_cache
from gradio.utils import get_function_params

from library.messages import Message, message

logger = logging.getLogger(__name__)

OF_FILES = (InvalidPathError, OSError, httpx.HTTPError)


class CheckedBlocks(gr.Blocks):
    """Tells a client what is wrong with the inputs of its call, where Gradio would log a traceback and say nothing."""

    async def preprocess_data(self, block_fn: BlockFunction, inputs: list[Any], *arguments: Any, **named: Any) -> Any:
        try:
            return await super().preprocess_data(block_fn, _completed(block_fn, inputs), *arguments, **named)
        except Exception as error:
            is_of_file = isinstance(error, OF_FILES)
            raise _refused(error, message("file_not_uploaded") if is_of_file else message("inputs_refused")) from None

    async def call_function(self, *arguments: Any, **named: Any) -> Any:
        for event in (each for each in (*arguments, *named.values()) if isinstance(each, gr.EventData)):
            _check_files(event._data)
        return await super().call_function(*arguments, **named)


def _completed(function: BlockFunction, inputs: list[Any]) -> list[Any]:
    """Returns the inputs of an endpoint with the defaults of the last ones, which an older program does not send."""
    is_whole = len(inputs) >= len(function.inputs)  # to read a signature takes longer than all the rest of this
    if is_whole or not function.fn or not all(isinstance(each, Api) for each in function.inputs):
        return inputs
    left_out = get_function_params(function.fn)[len(inputs) :]
    return [*inputs, *(default for _, has_default, default, _ in left_out if has_default)]


def _check_files(data: Any) -> None:
    """Raises what a client is told where the data of an event names a file that was not uploaded."""
    try:
        check_all_files_in_cache(data)
    except Exception as error:
        raise _refused(error, message("file_not_uploaded")) from None


def _refused(error: Exception, problem: Message) -> gr.Error:
    """Returns the sentence, which repeats no path: a client could learn from it what lies on this machine."""
    logger.warning("The inputs of a call were refused: %s", type(error).__name__)
    return gr.Error(str(problem), print_exception=False)
