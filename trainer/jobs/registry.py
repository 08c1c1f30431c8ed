"""All types of jobs. A new type is a module of its own and one line here."""

from trainer.jobs.audit.audit_job import AUDIT, DEEP_AUDIT
from trainer.jobs.evaluate.evaluate_job import EVALUATE
from trainer.jobs.export.export_job import EXPORT
from trainer.jobs.job_type import JobType
from trainer.jobs.predict.predict_job import PREDICT
from trainer.jobs.train.train_job import TRAIN
from trainer.jobs.vectors.vectors_job import VECTORS_JOB

JOB_TYPES: tuple[JobType, ...] = (TRAIN, PREDICT, EVALUATE, EXPORT, AUDIT, DEEP_AUDIT, VECTORS_JOB)
