"""Model packages on the DBA's side: from a source to a folder that can be uploaded."""
