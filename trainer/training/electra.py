"""Encoders with BERT's architecture as ELECTRA, whose standard head is Linear, GELU, Dropout, Linear: so an MLP head loads without our code.

ELECTRA's discriminator (Clark et al. 2020) is BERT's encoder without its pooler.
"""

from transformers import ElectraConfig, ElectraForSequenceClassification, PreTrainedModel

from trainer.training.bert_weights import bert_settings, bert_weights, has_bert_architecture


def as_electra(model: PreTrainedModel) -> ElectraForSequenceClassification | None:
    """A classifier with the model's weights and a fresh head; None if the model has another architecture.

    Expects right-padded batches, as the tokenizers of these encoders make them.
    """
    if not has_bert_architecture(model.config):
        return None
    weights = bert_weights(model.config, model.state_dict())
    electra = ElectraForSequenceClassification(ElectraConfig(**bert_settings(model.config, weights)))
    electra.electra.load_state_dict(weights)
    return electra
