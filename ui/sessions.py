"""Makes the session that Gradio keeps for each caller cheap to begin."""

import copy
from typing import Any

import gradio as gr
from gradio.blocks import Block, BlocksConfig
from gradio.renderable import Renderable


def share_descriptions(page: gr.Blocks) -> None:
    """Describes each part of a page once: Gradio would do so anew for every session, which takes longer than to answer.

    A program has a session for each call. To be called once the page is laid out.
    """
    page.default_config = SharedDescriptions(page, page.default_config, {})


Described = dict[int, tuple[Block, dict[str, Any]]]  # by the number of a part


class SharedDescriptions(BlocksConfig):
    """Holds the parts of a page as Gradio does; copies, which sessions have, share the descriptions of the parts."""

    def __init__(self, page: gr.Blocks, parts: BlocksConfig, described: Described) -> None:
        super().__init__(page)
        self.__dict__.update(parts.__dict__)
        self._described = described

    def __copy__(self) -> "SharedDescriptions":
        copied = super().__copy__()  # type: ignore[no-untyped-call]
        return SharedDescriptions(self.root_block, copied, self._described)

    def config_for_block(  # type: ignore[override]
        self, _id: int, rendered_ids: list[int], block: Block, renderable: Renderable | None = None
    ) -> dict[str, Any]:
        if renderable or self is self.root_block.default_config:
            return BlocksConfig.config_for_block(_id, rendered_ids, block, renderable)
        known, description = self._described.get(_id, (None, {}))
        if known is not block:
            description = BlocksConfig.config_for_block(_id, rendered_ids, block)
            self._described[_id] = (block, description)
        return description | {"props": copy.copy(description["props"])}
