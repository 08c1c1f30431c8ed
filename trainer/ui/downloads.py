"""Downloads by a plain link: a run's model, rows with their predictions, a repaired file. The files that gradio serves are not among them."""

import os
import tempfile
from pathlib import Path
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from trainer.data.csv_text import csv_bytes
from trainer.errors import FileError, NotFoundError, UnavailableError, UserError
from trainer.evaluation.mistakes import find_rows
from trainer.studio import Studio
from trainer.ui import rows_view
from trainer.ui.event_handling import current_workspace


def download_route(studio: Studio) -> Route:
    """``/download/<run id>``: the run's model as a zip, written for this response and deleted after it."""

    def download(request: Request) -> Response:
        handle, file = tempfile.mkstemp(suffix=".zip", prefix="emotune-")
        os.close(handle)
        path = Path(file)
        try:
            name = current_workspace(studio).models.write_zip(request.path_params["run"], path)
        except UserError as error:
            path.unlink()
            return PlainTextResponse(error.message, status_code=error.status)
        except OSError as error:
            path.unlink()
            message = f"The zip could not be written ({error.strerror or error}). Free some disk space and try again."
            return PlainTextResponse(message, status_code=UnavailableError.status)
        return FileResponse(path, filename=name, media_type="application/zip", background=BackgroundTask(path.unlink))

    return Route("/download/{run}", download, methods=["GET"])


def prepared_route(studio: Studio) -> Route:
    """``/prepared/<draft id>/<exact | spreadsheet | changes>``: the repaired file, or the list of its changes."""

    def download(request: Request) -> Response:
        try:
            name, data = current_workspace(studio).editor.export(request.path_params["draft"], request.path_params["form"])
        except UserError as error:
            return PlainTextResponse(error.message, status_code=error.status)
        return _csv_response(name, data)

    return Route("/prepared/{draft}/{form}", download, methods=["GET"])


def labels_route(studio: Studio) -> Route:
    """``/labels/<draft id>/<corrected | changes>``: the file with the decisions on its labels, or the list of them."""

    def download(request: Request) -> Response:
        workspace, draft_id, form = current_workspace(studio), request.path_params["draft"], request.path_params["form"]
        try:
            if form not in ("corrected", "changes"):
                raise FileError("There is no such download. Choose one of the links on the page.", code="unknown_form")
            if form == "changes":
                name, content = workspace.labels.change_log(draft_id)
            else:
                name, rewritten = workspace.editor.corrected_file(draft_id, workspace.labels.state(draft_id).decisions)
                content = rewritten.data
        except UserError as error:
            return PlainTextResponse(error.message, status_code=error.status)
        # As an attachment, so that no browser renders it, whatever its cells contain.
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        return Response(content, media_type="application/octet-stream", headers=headers)

    return Route("/labels/{draft}/{form}", download, methods=["GET"])


def rows_route(studio: Studio) -> Route:
    """``/rows/<run id>/<exact | spreadsheet>?...``: the rows that the page shows, with labels, predictions and probabilities."""

    def download(request: Request) -> Response:
        form, run_id = request.path_params["form"], request.path_params["run"]
        try:
            if form not in ("exact", "spreadsheet"):
                raise NotFoundError("There is no such download of rows. Use the links on the page.", code="unknown_rows")
            row_filter, split = rows_view.parse_filter(request.query_params)
            library = current_workspace(studio).library
            name, rows = library.view(run_id).name, library.predicted_rows(run_id, split)
            data = csv_bytes(rows_view.CSV_HEAD, rows_view.csv_rows(rows, find_rows(rows, row_filter)), spreadsheet=form == "spreadsheet")
        except UserError as error:
            return PlainTextResponse(error.message, status_code=error.status)
        return _csv_response(f"{name} {split} rows{' for spreadsheets' if form == 'spreadsheet' else ''}.csv", data)

    return Route("/rows/{run}/{form}", download, methods=["GET"])


def _csv_response(name: str, data: bytes) -> Response:
    """As an attachment, so that no browser renders it, whatever its cells contain."""
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(data, media_type="text/csv; charset=utf-8", headers=headers)


def labelled_route(studio: Studio) -> Route:
    """``/labelled/<job id>/<exact | spreadsheet>``: a file that a model has labelled."""

    def download(request: Request) -> Response:
        try:
            name, data = current_workspace(studio).files.export(request.path_params["job"], request.path_params["form"])
        except UserError as error:
            return PlainTextResponse(error.message, status_code=error.status)
        # As an attachment, so that no browser renders it, whatever its cells contain.
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        return Response(data, media_type="application/octet-stream", headers=headers)

    return Route("/labelled/{job}/{form}", download, methods=["GET"])
