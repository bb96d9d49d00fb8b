"""How IMPORT and EXPORT move rows: tunnels, HTTP and CSV."""
