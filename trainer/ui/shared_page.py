"""The page behind a link to a shared run: its report, and a form that predicts. Plain HTML without a script."""

from html import escape

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from trainer.data.task import most_probable_first
from trainer.errors import UserError
from trainer.studio import Studio
from trainer.text_format import percent
from trainer.ui.event_handling import current_workspace
from trainer.ui.try_view import prediction_sentence

_SHOWN_CLASSES = 5


def shared_route(studio: Studio) -> Route:
    """``/shared/<token>``: the report of a run whose owner shares it; posted with a ``text``, also the prediction for it."""

    async def show(request: Request) -> Response:
        text = str((await request.form()).get("text", "")) if request.method == "POST" else ""
        return await run_in_threadpool(respond, request, text)

    def respond(request: Request, text: str) -> Response:
        try:
            shared = current_workspace(studio, request).shared.open(request.path_params["token"])
            prediction = ""
            if text.strip():
                try:
                    prediction = _prediction(*shared.predict([text]))
                except UserError as error:
                    prediction = f'<p role="alert">{escape(error.message)}</p>'
            content = shared.html(_form(request.path_params["token"], text, prediction))
        except UserError as error:
            return PlainTextResponse(error.message, status_code=error.status)
        # Without a referrer a browser sends the origin "null", and over plain HTTP nothing else says that the form is ours.
        headers = {"Referrer-Policy": "same-origin", "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
        return HTMLResponse(content, headers=headers)

    return Route("/shared/{token}", show, methods=["GET", "POST"])


def _form(token: str, text: str, prediction: str) -> str:
    return (
        f'<form method="post" action="{escape(token)}"><h2><label for="text">Try a text</label></h2>'
        f'<textarea id="text" name="text" rows="3" required dir="auto">{escape(text)}</textarea><button>Predict</button></form>{prediction}'
    )


def _prediction(names: tuple[str, ...], predictions: list) -> str:
    [prediction] = predictions
    if prediction.probabilities is None:
        return f'<p role="status">{escape(prediction.problem)}</p>'
    probabilities = prediction.probabilities.tolist()
    rows = "".join(
        f'<tr><td dir="auto">{escape(names[i])}</td><td class="n">{percent(probabilities[i])}</td></tr>'
        for i in most_probable_first(probabilities)[:_SHOWN_CLASSES]
    )
    unsure = "<p>The model is unsure here: it answers from a higher probability on, to keep its promise.</p>" if prediction.unsure else ""
    return f'<div role="status"><p><strong>{prediction_sentence(names, prediction)}</strong></p><table><thead><tr><th>Prediction</th><th class="n">Probability</th></tr></thead><tbody>{rows}</tbody></table>{unsure}</div>'
