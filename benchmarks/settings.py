"""Which server settings matter to a load: change one at a time and leave the others as shipped."""

from typing import Final

AS_SHIPPED: Final = "as shipped"

VARIANTS: Final[dict[str, dict[str, str]]] = {
    AS_SHIPPED: {},
    # Settings of the product, back at PostgreSQL's defaults.
    "shared_buffers = 128MB": {"shared_buffers": "128MB"},
    "max_wal_size = 1GB, checkpoints every 5 min": {"max_wal_size": "1GB", "checkpoint_timeout": "5min"},
    "maintenance_work_mem = 64MB": {"maintenance_work_mem": "64MB"},
    "work_mem = 4MB": {"work_mem": "4MB"},
    # Settings that the product leaves alone, changed.
    "shared_buffers = 4GB": {"shared_buffers": "4GB"},
    "maintenance_work_mem = 2GB": {"maintenance_work_mem": "2GB"},
    "wal_compression = pglz": {"wal_compression": "pglz"},
    "wal_recycle, wal_init_zero = off": {"wal_recycle": "off", "wal_init_zero": "off"},
    "synchronous_commit = off": {"synchronous_commit": "off"},
    "max_parallel_maintenance_workers = 0": {"max_parallel_maintenance_workers": "0"},
    "io_method = sync": {"io_method": "sync"},
}
