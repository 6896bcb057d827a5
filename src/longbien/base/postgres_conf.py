"""The embedded PostgreSQL's postgresql.conf, written anew at each start. Own wishes belong into ALTER SYSTEM
(postgresql.auto.conf), which wins over this file."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_MB = 1024 * 1024


def memory() -> int:
    """Bytes of memory that this machine, or the control group we run in, has."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            total = min(total, int(Path(limit).read_text()))
        except (OSError, ValueError):
            continue
    return total


def _between(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))


def settings(data: Path, *, fast: bool = False) -> dict[str, str]:
    """Name -> value. `data` is the database's folder (its disk sizes the log); `fast`: no durability, for tests."""
    ram, disk, cores = memory() // _MB, shutil.disk_usage(data).total // _MB, os.cpu_count() or 1
    wal = 1024 if fast else _between(_between(96, disk // 8, 512), disk // 20, 4096)
    conf = {
        # who may knock: addresses and sockets are given on the server's command line
        "max_connections": "200",
        "superuser_reserved_connections": "3",
        "password_encryption": "scram-sha-256",
        "unix_socket_permissions": "0700",
        # memory: the rest of the machine serves as the file cache
        "shared_buffers": f"{128 if fast else _between(128, ram // 8, 4096)}MB",
        "effective_cache_size": f"{_between(256, ram // 2, 65536)}MB",
        "work_mem": f"{_between(8, ram // 512, 64)}MB",
        "maintenance_work_mem": f"{_between(64, ram // 16, 1024)}MB",
        # every acknowledged write is on the disk
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        # few, long checkpoints: each makes the next write of every page a full page image
        "checkpoint_timeout": "30min",
        "max_wal_size": f"{wal}MB",
        "min_wal_size": f"{_between(80, wal // 4, 1024)}MB",
        "wal_compression": "pglz",
        # workers do reads ahead of us; io_uring is not built in
        "io_method": "worker",
        "io_workers": str(_between(2, cores, 8)),
        "effective_io_concurrency": "64",
        "random_page_cost": "1.1",
        # short prepared statements: compiling them costs more than it saves
        "jit": "off",
        # tables only grow, mostly at their end: analyse by share, freeze early, never wait for 20 % of a large table
        "autovacuum_max_workers": str(_between(2, cores, 4)),
        "autovacuum_naptime": "15s",
        "autovacuum_vacuum_scale_factor": "0.02",
        "autovacuum_vacuum_insert_scale_factor": "0.05",
        "autovacuum_analyze_scale_factor": "0.02",
        "autovacuum_vacuum_cost_limit": "1000",
        # seeing what happens
        "shared_preload_libraries": "pg_stat_statements",
        "track_io_timing": "on",
        "track_activity_query_size": "4096",
        # a ring of seven files; terse, so that no value of a row (DETAIL: Key (name)=...) gets into a log
        "logging_collector": "on",
        "log_directory": "log",
        "log_filename": "postgresql-%a.log",
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_error_verbosity": "terse",
        "log_parameter_max_length": "0",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        "log_checkpoints": "on",
        "log_timezone": "UTC",
        # one language for messages, one clock for everything that is stored
        "timezone": "UTC",
        "datestyle": "iso, ymd",
        "lc_messages": "C",
        "default_text_search_config": "pg_catalog.simple",
        # a client that died must not hold its locks for hours
        "tcp_keepalives_idle": "60",
        "client_connection_check_interval": "10s",
        "idle_in_transaction_session_timeout": "5min",
    }
    if fast:
        conf |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum_naptime": "60s"}
    return conf


def text(data: Path, *, fast: bool = False) -> str:
    """The whole file."""
    lines = (f"{name} = '{value}'" for name, value in settings(data, fast=fast).items())
    return "# Written by Longbien at each start. For own settings use ALTER SYSTEM.\n" + "\n".join(lines) + "\n"
