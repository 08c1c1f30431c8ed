"""All types of jobs. A new type is a module of its own and one line here."""

from trainer.jobs.audit.audit_job import AUDIT, DEEP_AUDIT
from trainer.jobs.job_type import JobType
from trainer.jobs.predict.predict_job import PREDICT
from trainer.jobs.train.train_job import TRAIN

JOB_TYPES: tuple[JobType, ...] = (TRAIN, PREDICT, AUDIT, DEEP_AUDIT)
