"""The codes of all errors that a user or a program may meet, each with its class, what it means and what to do.

What was found is said where an error is raised. Codes of findings are not among them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from trainer.errors import (
    FileError,
    ModelError,
    MustFixError,
    NoMemoryError,
    NotFoundError,
    RecipeError,
    RunError,
    UnavailableError,
    UserError,
)


@dataclass(frozen=True)
class ErrorCode:
    """One code: the class of its errors, None if only requests are refused with it; the HTTP status, and two sentences."""

    code: str
    error: type[UserError] | None
    status: int
    meaning: str
    what_to_do: str


_ERRORS: Mapping[type[UserError], Mapping[str, tuple[str, str]]] = {
    FileError: {
        "audit_too_large": ("The file is too large for a check of its labels.", "Check a part of it."),
        "bad_class_name": ("The name of a class is empty, too long or has characters that cannot be seen.", "Type another one."),
        "compressed_file": ("The file is compressed in a way that is not opened.", "Unpack it and give the table inside."),
        "decided_folds": (
            "Folds test every row, and labels were changed, rows dropped or texts added: the score would rise by that alone.",
            "Turn the folds off, or take the decisions back.",
        ),
        "decisions_leave_nothing": (
            "With the decisions on labels, no training or validation rows would be left to learn from.",
            "Take some of them back.",
        ),
        "definition_too_long": ("What a label means is said in too many characters.", "Make it shorter."),
        "duplicate_class_names": ("Two classes would have the same name.", "Give every class a name of its own."),
        "empty_file": ("The file has no content, no rows or only blanks.", "Choose a file with texts and labels."),
        "empty_labels": ("The label column is empty in nearly every row.", "Choose another column, or fill it in."),
        "empty_text": (
            "A text to learn from is empty.",
            "Type a word or more.",
        ),
        "empty_texts": ("The text column is empty in nearly every row.", "Choose another column, or fill it in."),
        "file_damaged": ("The file is damaged or cut short.", "Copy or download it again."),
        "file_not_found": ("There is no file of this name.", "Check the name and the folder."),
        "file_too_heavy": (
            "Reading the file takes far more time or memory than its size explains.",
            "Save it again as CSV, or give a part of it.",
        ),
        "file_too_large": ("The file, or what is packed in it, is larger than the limit.", "Give a part of it, or raise the limit."),
        "file_unreadable": ("The file cannot be read.", "Check its permissions, or copy it and try the copy."),
        "given_test": ("The file has test or validation rows of its own, so it is not scored in folds.", "Turn the folds off."),
        "hub_no_table": ("The Hugging Face Hub has no table of this data set that can be read.", "Download its file there and upload it."),
        "label_is_measurement": ("The label column holds numbers that measure something.", "Choose a column that names classes."),
        "letter_not_in_encoding": (
            "A new label has a letter that the encoding of the file lacks.",
            "Give the class another name, or take the rows as CSV (UTF-8).",
        ),
        "line_too_long": ("A line of the file is far too long.", "Save the table again as CSV."),
        "no_columns": ("No columns are chosen.", "Choose the columns of the texts and the labels."),
        "no_dataset": ("No data set is named.", "Choose one from the list, or type its name."),
        "no_file": ("No file is chosen or open.", "Choose or open one."),
        "no_known_label": (
            "No row of a file has a label that the model knows, besides texts that it learnt from.",
            "Give a file with other texts and its labels.",
        ),
        "no_label_column": ("No column looks like labels.", "Name the label column, or add one."),
        "no_label_names": (
            "A file of label names holds none.",
            "Write the name of each label on a line of its own, that of label 0 first.",
        ),
        "no_row": ("The file has no such row, or it has no text.", "Choose a row that has a text."),
        "no_rows": ("No row of the file can be used.", "Choose a file with one row a text."),
        "no_scores": ("A cut is given, but no columns hold scores of labels.", "Leave the cut out, or name the columns of scores."),
        "no_text_column": ("No column looks like texts.", "Name the text column."),
        "not_a_decision": ("A decision on a label was not understood.", "Use the buttons of the page."),
        "not_a_file": ("The path is not that of a file.", "Give the path of one file."),
        "not_a_log": ("The file is no log of decisions on labels.", "Give the log that was downloaded with a corrected file."),
        "not_a_table": ("The file is no table of texts and labels.", "Save the table as CSV (UTF-8) and give that."),
        "not_checkable": ("The labels of the file cannot be checked.", "Choose a column with one of several labels in each row."),
        "not_ready": ("The file cannot be trained on yet.", "Do first what the page asks for."),
        "not_rewritable": ("The file cannot be changed in its own form.", "Take the rows as CSV (UTF-8)."),
        "not_text": ("A text holds half a character (a lone surrogate).", "Type it again, or send it as UTF-8."),
        "not_uploaded": ("The file was not uploaded to this server.", "Upload it first, and name what the upload returned."),
        "nothing_left": ("No row would be left in the file.", "Keep some of its rows."),
        "one_class": ("All rows have the same label.", "Choose another label column, or add rows of other classes."),
        "one_column": ("The file has a single column.", "Give a file with a column of texts and one of labels."),
        "quotes_unsound": ("Quotation marks are not closed in too many lines.", "Save the table again as CSV from its program."),
        "reading_failed": (
            "Emotune failed to read the file because of an error of its own.",
            "Save it again as CSV (UTF-8), and report the error.",
        ),
        "same_column": ("One column is chosen for two purposes.", "Choose different columns."),
        "spreadsheet_file": ("The workbook cannot be opened.", "Save it as CSV (UTF-8) in its program and give that."),
        "test_in_training": ("All training rows are test rows too.", "Give other test rows, or none."),
        "test_row": (
            "The label of a row that is no validation row was to be corrected in the results.",
            "Check the labels of the whole file; test rows keep their labels in every score.",
        ),
        "text_is_held": (
            "A text to learn from is, or nearly is, a validation or test row of the run.",
            "Try another text; those rows are never learnt from.",
        ),
        "text_is_row": (
            "A text to learn from is a row of the file already.",
            "Correct the label of that row in Check labels.",
        ),
        "text_too_long": (
            "A text to learn from is longer than a log of decisions holds.",
            "Add it to the file.",
        ),
        "too_few_rows": ("There are too few rows to train on and to score.", "Add rows of each class."),
        "too_many_cells": ("The table has more cells than the limit.", "Give fewer rows or columns."),
        "too_many_classes": ("There are more classes than the limit.", "Choose another label column, or join classes."),
        "too_many_columns": ("The table has more columns than the limit.", "Give the columns that are needed."),
        "too_many_rows": ("The file has more rows than the limit.", "Give a part of it."),
        "unknown_class": ("A label of a given test or validation file is not among the classes.", "Use the labels of the training file."),
        "unknown_column": ("There is no such column.", "Name one of the file's columns."),
        "unknown_dataset": ("The Hugging Face Hub has no such data set, or it is not public.", "Check the name."),
        "unknown_finding": ("The file does not have this finding any more.", "Look at its findings again."),
        "unknown_form": (
            "There is no such form of a file or a model to be downloaded.",
            "Use a link of the page, or a form that the message lists.",
        ),
        "unknown_label": ("The file has no such class.", "Choose one of its classes, or add it first."),
        "unknown_part": ("The data set, workbook or zip has no such part.", "Name one of its parts; the message lists them."),
        "unknown_role": ("A file can be for training, validation or test only.", "Choose one of these."),
        "validation_in_training": ("All training rows are validation rows too.", "Give other validation rows, or none."),
        "withheld_draft": ("Reading this file has ended the program before.", "Remove it, or try it once more."),
        "wrong_encoding": ("The file cannot be read in the chosen encoding.", "Choose another one, or let it be detected."),
    },
    MustFixError: {
        "must_fix": ("The file has findings that should be fixed before a training.", "Repair them, or ask to train on it as it is."),
    },
    RecipeError: {
        "bad_name": ("The name is empty, too long or cannot be shown.", "Type another one."),
        "bad_user": ("A user's name or password is not allowed, or the two passwords differ.", "Type others."),
        "compare_count": ("Too few or too many runs are chosen.", "Choose as many as a comparison takes."),
        "no_users": ("The server of a team has no users.", "Add one: python -m trainer users add NAME."),
        "not_a_recipe": ("The file is no recipe.", "Give a JSON file with a value for each setting."),
        "not_for_this_task": ("This is only for texts with one label each.", "Do without it, or choose one label a text for the file."),
        "open_to_all": ("The server would be open to everybody who can reach it.", "Set a password, or confirm it with --public."),
        "precision_unavailable": ("The device cannot calculate in this precision.", "Choose the precision auto."),
        "setting_not_possible": ("The encoder does not have what the setting changes.", "Leave the setting at its default."),
        "setting_out_of_range": ("A setting has a value that it cannot have.", "Use a value from its range."),
        "settings_disagree": ("Two settings exclude each other.", "Change one of them."),
        "unknown_engine": ("There is no such engine.", "Use one of the engines; the message lists them."),
        "unknown_level": ("There is no such level.", "Use one of the levels."),
        "unknown_preset": ("There is no such preset.", "Use one of the presets."),
        "unknown_repair": ("There is no such repair.", "Use the code of a finding that has one."),
        "unknown_setting": ("There is no such setting or option, or two exclude each other.", "Use one of the settings."),
    },
    ModelError: {
        "encoder_damaged": ("The encoder lacks files, or they are damaged.", "Download or copy it again, or choose another one."),
        "encoder_too_large": ("The encoder is larger than the limit.", "Choose a smaller one."),
        "export_failed": (
            "The process that exports the model failed or ended too early.",
            "Try again with other programs ended, or take the model folder.",
        ),
        "label_not_learnt": ("The model has no such label.", "Choose one of its labels; the message lists them."),
        "model_damaged": ("The model cannot be loaded.", "Train it again, or copy its folder again."),
        "model_folder_refused": (
            "A file of the model folder could do harm, or no library writes it so.",
            "Name a folder that transformers saved.",
        ),
        "no_attribution": (
            "The tokenizer of the model does not tell where its tokens stand in a text.",
            "Train with another encoder to see which words matter.",
        ),
        "no_export": ("The model cannot be written as ONNX, or nobody could say whether it answers alike.", "Take the model folder."),
        "no_promise": ("The validation rows do not suffice for this promise.", "Choose a smaller share of right answers, or add rows."),
        "no_texts": ("There is no text to predict.", "Give at least one text."),
        "no_vectors": (
            "The last layer of the model reads no single vector of a text.",
            "Train with another encoder to see which training rows are similar to a text.",
        ),
        "not_a_classifier": ("The folder has no classifier for one label a text.", "Name the folder of such a classifier."),
        "not_texts": ("The texts are not a list of texts.", "Send a list of strings."),
        "too_many_characters": ("The texts have more characters than one call may have.", "Send fewer at once."),
        "too_many_texts": ("These are more texts than one call may have.", "Send fewer at once."),
        "unknown_encoder": ("There is no such encoder.", "Choose one of the catalogue, or a folder."),
    },
    RunError: {
        "already_finished": ("The run is finished.", "Say for how many more epochs it should train."),
        "audit_damaged": ("The result of a check of labels cannot be read.", "Check the labels again."),
        "cannot_resume": ("The run has nothing to go on from, or would fail again.", "Start a new one with other settings."),
        "job_damaged": ("The files of the job are damaged.", "Start it again."),
        "job_is_live": ("The job waits or runs.", "Stop it first."),
        "loss_not_finite": ("The training diverged: the loss is no longer a number.", "Choose a smaller learning rate and start again."),
        "no_exports": ("The model is not exported to ONNX, or its export is damaged.", "Export it."),
        "no_model": ("The run has no model.", "Choose a finished run."),
        "no_result": ("The job has no result.", "Wait until it has finished, or start it again."),
        "no_state": ("The last state of the run is no longer kept.", "Start a new run with more epochs."),
        "not_finished": ("The run has not finished its epochs.", "Resume it first."),
        "offered_model": ("The model belongs to the server, for everybody to try.", "Train your own to change it."),
        "rows_damaged": ("The rows of the run cannot be read.", "Start a new run from the original file."),
        "run_damaged": ("Files of the run are damaged or missing.", "Start a new run for what is lost."),
        "run_is_live": ("The run trains or waits.", "Stop it first."),
        "states_needed": ("The run has only its checkpoints to go on from.", "Resume it, or delete the whole run."),
        "unknown_task": ("A newer version of Emotune, or another program, has written the file.", "Open it with that version."),
    },
    NotFoundError: {
        "no_run_chosen": ("The chosen runs no longer exist.", "Choose others."),
        "unknown_draft": ("There is no such file among those being prepared.", "Open it again."),
        "unknown_evaluation": ("There is no such evaluation on another file.", "Choose one of the list."),
        "unknown_job": ("There is no such job.", "Choose one from the list."),
        "unknown_rows": ("A link asks for rows in a way that is not known.", "Use the links on the page."),
        "unknown_run": ("There is no such run.", "Choose one from the list."),
        "unknown_share": ("A link to a shared run leads nowhere, or not any more.", "Ask whoever sent it for another one."),
        "unknown_user": ("There is no such user.", "Name one of those that users list prints."),
    },
    UnavailableError: {
        "already_serving": ("Another server uses the folder of the runs.", "Use that one, or end it first."),
        "disk": ("A file could not be written or read while a job was done.", "Free some space or mend the disk, and resume it."),
        "disk_full": ("The disk has too little space.", "Free some."),
        "disk_not_writable": ("A folder or file cannot be written.", "Check its permissions and the disk."),
        "encoder_unreachable": ("The encoder cannot be fetched now.", "Check the network, or choose one that is here."),
        "hub_unreachable": ("The Hugging Face Hub cannot be reached.", "Check the network, or upload a file."),
        "memory_full": ("The memory of the server is nearly full.", "Try again in some minutes."),
        "no_npm_package": (
            "A script for the web page cannot be fetched from the npm registry.",
            "Connect to the internet once, or name another registry.",
        ),
        "not_served": ("The page cannot be served at this address.", "Choose another port or address."),
        "queue_full": ("As many trainings wait as may wait.", "Wait until some have ended, or stop one."),
        "reader_unavailable": ("The process that reads files cannot be started.", "Try again, and check memory and disk."),
        "run_is_busy": ("Another program is writing the run.", "Try again in a moment."),
        "switched_off": ("The owner of the server has switched this off for now.", "Try again later."),
        "too_many_downloads": ("As many models are on their way as may be, to one visitor or in all.", "Wait until one has arrived."),
        "too_many_pages": ("As many pages are open as may be, of one visitor or in all.", "Close one."),
        "too_many_predictions": ("One visitor asks for more predictions in a minute than allowed.", "Wait a moment."),
        "too_many_runs": ("There are as many runs as there may be.", "Delete those that are not needed."),
        "too_many_starts": ("One visitor has started as many trainings in an hour as allowed.", "Wait; what is prepared stays."),
        "too_much_kept": ("The files and runs of one visitor take as much space as allowed.", "Delete runs that are not needed."),
        "users_damaged": ("The list of users cannot be read.", "Remove it, and add the users again."),
    },
    NoMemoryError: {
        "batch_too_large": ("A batch needs more memory than is free.", "Choose a smaller batch, shorter texts or a smaller encoder."),
        "out_of_memory": ("The memory ran out during the training.", "Resume it with fewer texts at a time, or choose a smaller encoder."),
    },
}

_REFUSALS: Mapping[str, tuple[int, str, str]] = {
    "blocked": (403, "The owner of the server has blocked this visitor.", "Ask whoever runs the server."),
    "foreign_page": (403, "A page of another site made the request.", "Open Emotune itself."),
    "no_password": (401, "The server needs the password.", "Log in first."),
    "not_here": (404, "The server has nothing under this path.", "Use a path of the page."),
    "too_large": (413, "The request is larger than the limit.", "Send a smaller file, or fewer texts."),
    "too_many_files": (413, "These are more files than one upload may have.", "Send fewer at once."),
    "too_slow": (408, "The request came in too slowly.", "Send it again."),
    "unexpected": (500, "Emotune made a mistake; the log says where.", "Try again, and report it."),
    "unknown_call": (404, "There is no such endpoint.", "Use one of the endpoints."),
    "unknown_host": (421, "The server is not served under this name.", "Name it in EMOTUNE_HOSTS."),
    "unreadable": (422, "The request does not have the form of a call.", "Use the form that the page describes."),
    "uploads_full": (507, "The uploads take all the space that they may have.", "Wait a while, or clear them."),
    "uploads_off": (503, "The owner of the server has switched uploads off for now.", "Try again later."),
    "wrong_values": (422, "The values of the call do not fit its inputs.", "Send those that the page sends."),
}

ERROR_CODES: Mapping[str, ErrorCode] = {
    **{
        code: ErrorCode(code, error, error.status, meaning, what_to_do)
        for error, codes in _ERRORS.items()
        for code, (meaning, what_to_do) in codes.items()
    },
    **{code: ErrorCode(code, None, status, meaning, what_to_do) for code, (status, meaning, what_to_do) in _REFUSALS.items()},
}
"""Every code by its name, by class and then in the order of the alphabet."""
