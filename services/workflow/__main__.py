"""Runs workflow: ``python -m services.workflow api | worker | all | migrate | load FOLDER``."""

from services.workflow.app import definition, settings
from shared.main import main

if __name__ == "__main__":
    main(definition, settings())
