"""The tax gateway (CVAN style): slips and vouchers out with a technical answer, the business result back by callback.

Source: contracts.md §4. Codes and the fields inside a slip's sections are assumed, to be confirmed with the province.
"""
