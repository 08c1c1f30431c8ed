"""Small encoders with random weights of every kind that can be used, saved as transformers saves them.

For tests of what looks through model folders: a valid one must pass it.
"""

from pathlib import Path

WORDS = "the a happy sad rage cry glad we they today".split()

SIZES = {
    "albert": {"embedding_size": 16},
    "convbert": {"embedding_size": 32},
    "electra": {"embedding_size": 16},
    "distilbert": {"dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 2},
    "flaubert": {"emb_dim": 32, "n_layers": 2, "n_heads": 2},
    "xlm": {"emb_dim": 32, "n_layers": 2, "n_heads": 2},
    "xlnet": {"d_model": 32, "n_layer": 2, "n_head": 2, "d_inner": 64},
    "longformer": {"attention_window": [16, 16]},
    "mobilebert": {"embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16},
    "modernbert": {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2},
    "rembert": {"input_embedding_size": 16, "output_embedding_size": 16},
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
    "eurobert": {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "mask_token_id": 3, "num_key_value_heads": 2},
    "roc_bert": {"pronunciation_vocab_size": 20, "shape_vocab_size": 20, "pronunciation_embed_dim": 16, "shape_embed_dim": 16},
    "mra": {"max_position_embeddings": 32},
    "yoso": {"max_position_embeddings": 32},
}


def save_valid_folder(model_type: str, folder: Path) -> None:
    """An encoder of two layers of this kind, with a tokenizer; of a few kinds transformers' class has its own sizes."""
    import torch
    from transformers import AutoConfig, AutoModel, BertTokenizer

    vocabulary = {token: i for i, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])}
    usual = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 64}
    special = SIZES.get(model_type, {})
    if any(name in special for name in ("dim", "emb_dim", "d_model")):
        usual = {}
    size = {"vocab_size": len(vocabulary), **usual, **special}
    torch.manual_seed(0)
    AutoModel.from_config(AutoConfig.for_model(model_type, **size)).save_pretrained(folder)
    BertTokenizer(vocab=vocabulary).save_pretrained(folder)
