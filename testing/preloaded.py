"""Imports the slow packages once, in the process from which test programs are forked."""

import gc
import os
from importlib import import_module

from runtime import ENVIRONMENT
from ui.quick_import import leave_out_stubs

SLOW_TO_IMPORT = (
    *("torch", "transformers.models.clip", "onnxruntime", "encoders.loading", "encoders.engines.quicken"),
    *("pymilvus", "milvus_lite", "pyarrow.dataset", "db.milvus.collection", "db.milvus.lite_server"),
    *("db.milvus.lite_accelerator", "typer", "rich.progress", "commands.main", "gradio", "ui.page"),
)

gc.disable()  # what is imported stays
os.environ.update(ENVIRONMENT)  # some libraries read it while they are imported
leave_out_stubs()
for name in SLOW_TO_IMPORT:
    import_module(name)
gc.freeze()
gc.enable()
