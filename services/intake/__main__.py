"""Runs intake: ``python -m services.intake api | worker | all | migrate | load FOLDER``."""

from services.intake.app import definition, settings
from shared.main import main

if __name__ == "__main__":
    main(definition, settings())
