"""The national portal (Cổng DVCQG): every fact as a header that is up to date and one line of progress.

Source: contracts.md §2, observed practice to be confirmed with the province.
"""
