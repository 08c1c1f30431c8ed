"""The labels of texts, as this model gives them: python predict.py "a text" "another one". It needs: pip install onnxruntime tokenizers"""

import json
import sys
from pathlib import Path

import numpy
import onnxruntime
from tokenizers import Tokenizer

folder = Path(__file__).parent
about = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
tokenizer.enable_truncation(about["max_length"])
tokenizer.enable_padding(pad_id=about["padding"], pad_token=about["padding_token"])
session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])


def is_readable(text: str) -> bool:
    """Whether the model knows any sign of a text; of another one its answer means nothing."""
    encoded = tokenizer.encode(text)
    return any(
        not special and token != about["unknown"]
        for part in (encoded, *encoded.overflowing)
        for token, special in zip(part.ids, part.special_tokens_mask, strict=True)
    )


def probabilities(texts: list[str]) -> numpy.ndarray:
    """The probability of each label of ``about["labels"]`` for each text: shape (texts, labels)."""
    batch = tokenizer.encode_batch(texts)
    values = {name: [getattr(encoded, field) for encoded in batch] for name, field in about["inputs"].items()}
    (logits,) = session.run(["logits"], {name: numpy.array(rows, dtype=numpy.int64) for name, rows in values.items()})
    if about["cuts"]:
        return 1 / (1 + numpy.exp(-logits))
    powers = numpy.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


if __name__ == "__main__":
    texts = [text.strip() for text in sys.argv[1:]]
    if not texts:
        sys.exit('Usage: python predict.py "a text" "another one"')
    for text, row in zip(texts, probabilities(texts), strict=True):
        if not is_readable(text):
            print(f"nothing to read\t\t{text}")
            continue
        if about["cuts"]:
            said = [label for label, share, cut in zip(about["labels"], row, about["cuts"], strict=True) if share >= cut]
            unsure = about["answer_from"] is not None and row.max() < about["answer_from"]
            print(f"{'unsure' if unsure else ', '.join(said) or 'no label'}\t{row.max():.4f}\t{text}")
            continue
        best = int(row.argmax())
        unsure = about["answer_from"] is not None and row[best] < about["answer_from"]
        print(f"{'unsure' if unsure else about['labels'][best]}\t{row[best]:.4f}\t{text}")
