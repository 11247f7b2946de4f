"""Runs sla: ``python -m services.sla api | worker | all | migrate | load FOLDER``."""

from services.sla.app import definition, settings
from shared.main import main

if __name__ == "__main__":
    main(definition, settings())
