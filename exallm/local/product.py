"""What the engine says that it is."""

from __future__ import annotations

DATABASE_NAME = "EXALLM_LOCAL"
DATABASE_VERSION = "2025.2.0"
