"""Downloads by a plain link: a run's model, rows with their predictions, a repaired file. The files that gradio serves are not among them."""

import os
import tempfile
from contextlib import ExitStack
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
from trainer.ui import rows_view, shown_rows
from trainer.ui.event_handling import current_workspace


def download_routes(studio: Studio) -> list[Route]:
    """``/download/<run id>``, or with ``/<onnx | onnx-int8 | web>``: the run's model in one form as a zip, written for this response and deleted after it."""

    def download(request: Request) -> Response:
        workspace = current_workspace(studio, request)
        with ExitStack() as cleanup:
            try:
                cleanup.callback(workspace.take_download_place())
                handle, file = tempfile.mkstemp(suffix=".zip", prefix="emotune-")
                os.close(handle)
                path = Path(file)
                cleanup.callback(path.unlink, missing_ok=True)
                form = request.path_params.get("form", "zip")
                name = workspace.models.write_zip(request.path_params["run"], path, form)
            except UserError as error:
                return PlainTextResponse(error.message, status_code=error.status)
            except OSError as error:
                message = f"The zip could not be written ({error.strerror or error}). Free some disk space and try again."
                return PlainTextResponse(message, status_code=UnavailableError.status)
            after = BackgroundTask(cleanup.pop_all().close)
        return FileResponse(path, filename=name, media_type="application/zip", background=after)

    return [Route(path, download, methods=["GET"]) for path in ("/download/{run}", "/download/{run}/{form}")]


def prepared_route(studio: Studio) -> Route:
    """``/prepared/<draft id>/<exact | spreadsheet | changes>``: the repaired file, or the list of its changes."""

    def download(request: Request) -> Response:
        try:
            name, data = current_workspace(studio, request).editor.export(request.path_params["draft"], request.path_params["form"])
        except UserError as error:
            return PlainTextResponse(error.message, status_code=error.status)
        return _csv_response(name, data)

    return Route("/prepared/{draft}/{form}", download, methods=["GET"])


def labels_route(studio: Studio) -> Route:
    """``/labels/<draft id>/<corrected | changes | texts>``: the file with the decisions on its labels, the list of them, or the texts that were added."""

    def download(request: Request) -> Response:
        workspace, draft_id, form = current_workspace(studio, request), request.path_params["draft"], request.path_params["form"]
        try:
            if form not in ("corrected", "changes", "texts"):
                raise FileError("There is no such download. Choose one of the links on the page.", code="unknown_form")
            if form == "changes":
                name, content = workspace.labels.change_log(draft_id)
            elif form == "texts":
                name, content = workspace.labels.texts_csv(draft_id)
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
            workspace = current_workspace(studio, request)
            name, rows = workspace.library.view(run_id).name, shown_rows.predicted_rows(workspace, run_id, split)
            data = csv_bytes(rows_view.CSV_HEAD, rows_view.csv_rows(rows, find_rows(rows, row_filter)), spreadsheet=form == "spreadsheet")
        except UserError as error:
            return PlainTextResponse(error.message, status_code=error.status)
        return _csv_response(f"{name} {shown_rows.describe(split)}{' for spreadsheets' if form == 'spreadsheet' else ''}.csv", data)

    return Route("/rows/{run}/{form}", download, methods=["GET"])


def report_route(studio: Studio) -> Route:
    """``/report/<run id>``: the report as one HTML file; with ``?texts=1`` with the most confident mistakes on test rows."""

    def download(request: Request) -> Response:
        try:
            with_texts = request.query_params.get("texts") == "1"
            name, content = current_workspace(studio, request).reports.html(request.path_params["run"], with_texts=with_texts)
        except UserError as error:
            return PlainTextResponse(error.message, status_code=error.status)
        # As an attachment, so that it is a file of the user's and no page of this server.
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        return Response(content, media_type="text/html; charset=utf-8", headers=headers)

    return Route("/report/{run}", download, methods=["GET"])


def _csv_response(name: str, data: bytes) -> Response:
    """As an attachment, so that no browser renders it, whatever its cells contain."""
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(data, media_type="text/csv; charset=utf-8", headers=headers)


def labelled_route(studio: Studio) -> Route:
    """``/labelled/<job id>/<exact | spreadsheet>``: a file that a model has labelled."""

    def download(request: Request) -> Response:
        try:
            name, data = current_workspace(studio, request).files.export(request.path_params["job"], request.path_params["form"])
        except UserError as error:
            return PlainTextResponse(error.message, status_code=error.status)
        # As an attachment, so that no browser renders it, whatever its cells contain.
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        return Response(data, media_type="application/octet-stream", headers=headers)

    return Route("/labelled/{job}/{form}", download, methods=["GET"])
