"""`foreword logits` on random models of every architecture row, against the float64 reference in tests/reference.

FOREWORD_REFERENCE_MODELS names the folder that tests/reference/make_models.py has filled.
"""

import os
from pathlib import Path

import program
from logits_test import LogitsTest


class ReferenceModels(LogitsTest):
    half_gelu = False

    def test_every_architecture(self):
        self.check(Path(os.environ.get("FOREWORD_REFERENCE_MODELS", program.ROOT / "build" / "reference")))


if __name__ == "__main__":
    program.main()
