"""From any layout to any other: rows are read, recognised, chosen and written one by one."""
