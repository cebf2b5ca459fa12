"""Questions → answers. Cedar stands behind a thin interface; nothing above this room knows its API."""
