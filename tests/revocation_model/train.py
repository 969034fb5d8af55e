"""`make train`: write the model of revocations anew.  The same texts make the same bytes.

python -m tests.revocation_model.train           write model.bin and model.sha256
python -m tests.revocation_model.train --check   only say whether they would be the same
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from tests.revocation_model import evaluate
from tests.revocation_model.corpus import read_examples
from tests.revocation_model.fit import fit, matrix_of, pack

FOLDER = Path(__file__).parents[2] / "streams/inbound_keywords"


def train() -> bytes:
    examples = list(read_examples())
    weights, bias = fit(matrix_of([one.text for one in examples]), examples)
    return pack(weights, bias)


def main() -> None:
    if "--evaluate" in sys.argv:
        evaluate.main()
        return
    data = train()
    digest = hashlib.sha256(data).hexdigest()
    if "--check" in sys.argv:
        pinned = (FOLDER / "model.sha256").read_text(encoding="ascii").split()[0]
        same = digest == pinned
        print("the same model" if same else f"another model: {digest}, and {pinned} is pinned")
        sys.exit(not same)
    (FOLDER / "model.bin").write_bytes(data)
    (FOLDER / "model.sha256").write_text(f"{digest}  model.bin\n", encoding="ascii")
    print(f"wrote {len(data):,} bytes: model:{digest[:12]}")


if __name__ == "__main__":
    main()
