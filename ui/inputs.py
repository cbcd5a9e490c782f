"""Answers calls whose inputs Gradio refuses, before any handler sees them, with a sentence."""

import logging
from typing import Any

import gradio as gr
import httpx
from gradio.exceptions import InvalidPathError

from library.messages import Message, message

logger = logging.getLogger(__name__)

OF_FILES = (InvalidPathError, OSError, httpx.HTTPError)


class Page(gr.Blocks):
    """Tells a client what is wrong with the inputs of its call, where Gradio would log a traceback and say nothing."""

    async def preprocess_data(self, *arguments: Any, **named: Any) -> Any:
        try:
            return await super().preprocess_data(*arguments, **named)
        except gr.Error:
            raise
        except Exception as error:
            logger.warning("The inputs of a call were refused: %s", type(error).__name__)
            raise gr.Error(str(_problem(error)), print_exception=False) from None


def _problem(error: Exception) -> Message:
    """Returns the sentence, which repeats no path: a client could learn from it what lies on this machine."""
    return message("file_not_uploaded") if isinstance(error, OF_FILES) else message("inputs_refused")
