"""BHXH, social insurance: the whole contract is our assumption."""
