"""Downloads by a plain link: a run's model, a repaired file. The files that gradio serves are not among them."""

import os
import tempfile
from pathlib import Path
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from trainer.errors import UnavailableError, UserError
from trainer.studio import Studio
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
        # As an attachment, so that no browser renders it, whatever its cells contain.
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        return Response(data, media_type="text/csv; charset=utf-8", headers=headers)

    return Route("/prepared/{draft}/{form}", download, methods=["GET"])
