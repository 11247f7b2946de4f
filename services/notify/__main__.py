"""Runs notify: ``python -m services.notify api | worker | all | migrate``."""

from services.notify.app import definition, settings
from shared.main import main

if __name__ == "__main__":
    main(definition, settings())
