"""Defines the public endpoint that backs the library up on the server, where EDITS allows everything."""

from collections import Counter

from gradio.events import api

from library.backup.backup_place import NewBackup, pictures_copied
from library.image_library import ImageLibrary
from library.permissions import Edits, require
from ui.endpoints import answered, described
from ui.views import Json


def add_backup_api(library: ImageLibrary, edits: Edits, new_backup: NewBackup) -> None:
    """Adds the endpoint to the page; to be called inside its Blocks."""

    def write() -> Json:
        require(edits, "all")
        with new_backup() as (name, place):
            counts = Counter(library.backups.write(place))
        return {"backup": name, "pictures": pictures_copied(counts)}

    @described(
        "Copy all pictures, records and vectors into a new folder below DATA_DIR of the server, while the app runs.",
        "backup: the name of the folder in backups; pictures: how many it holds",
    )
    def backup() -> Json:
        return answered(write)

    api(backup, api_name="backup", concurrency_id="backup", concurrency_limit=1)
