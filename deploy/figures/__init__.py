"""The figures of the documents, made again: dossiers generated to the published totals go through the real timeline."""
