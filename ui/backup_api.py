"""Defines the public endpoint that backs the library up on the server, where EDITS allows everything."""

from collections import Counter

import gradio as gr
from gradio.events import api

from library.backup.backup_place import NewBackup
from library.errors import LikenessError
from library.image_library import ImageLibrary
from library.permissions import Edits, require
from ui.endpoints import described
from ui.views import Json


def add_backup_api(library: ImageLibrary, edits: Edits, new_backup: NewBackup) -> None:
    """Adds the endpoint to the page; to be called inside its Blocks."""

    @described(
        "Copy all pictures, records and vectors into a new folder below DATA_DIR of the server, while the app runs.",
        "backup: the name of the folder in backups; pictures: how many it holds",
    )
    def backup() -> Json:
        try:
            require(edits, "all")
            with new_backup() as (name, place):
                counts = Counter(library.backups.write(place))
        except LikenessError as error:
            raise gr.Error(str(error), print_exception=False) from None
        return {"backup": name, "pictures": counts.total() - counts["gone"]}

    api(backup, api_name="backup", concurrency_id="backup", concurrency_limit=1)
