"""The words of public pages, by language. A tenant writes what people agree to by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "Text messages from {name}",
        "number": "Your mobile number",
        "number_hint": "We send one text to it, and you answer START.",
        "agree": "Please check the box if you want text messages.",
        "send": "Send me the text",
        "bad_number": "This is no number that can get texts. Write it with its country code,"
        " such as +1 212 555 0123.",
        "thanks_title": "One more step",
        "thanks": "We send a text to {number}. Answer START, and you are in. Without your answer"
        " you get nothing more.",
        "limited": "Too many were sent from where you are. Wait a minute, then send it again.",
        "away": "It could not be recorded just now. Send it again in a moment.",
        "opt_out": "I want no more text messages",
        "leave_empty": "Leave this field empty",
        "out_title": "No more texts from {name}",
        "out_intro": "Write the number that should get no more text messages. We ask for nothing"
        " else.",
        "out_send": "Stop the texts",
        "out_bad": "Write the whole number, with its digits.",
        "out_done_title": "It is done",
        "out_done": "{number} gets no more text messages from {name}. A text that has left already"
        " may still arrive.",
        "out_else": "What always works: reply STOP to any of our texts, or text STOP to {sender}.",
    },
    "es": {
        "title": "Mensajes de texto de {name}",
        "number": "Su número de celular",
        "number_hint": "Le enviaremos un mensaje, y usted responde START.",
        "agree": "Marque la casilla si quiere recibir mensajes de texto.",
        "send": "Envíenme el mensaje",
        "bad_number": "Este número no puede recibir mensajes. Escríbalo con el código del país,"
        " por ejemplo +1 212 555 0123.",
        "thanks_title": "Falta un paso",
        "thanks": "Enviamos un mensaje a {number}. Responda START para aceptar. Sin su respuesta no"
        " recibirá nada más.",
        "limited": "Se han enviado demasiados desde donde está. Espere un minuto e intente de"
        " nuevo.",
        "away": "No se pudo registrar en este momento. Intente de nuevo en un momento.",
        "opt_out": "No quiero más mensajes de texto",
        "leave_empty": "Deje este campo vacío",
        "out_title": "No más mensajes de {name}",
        "out_intro": "Escriba el número que no debe recibir más mensajes. No pedimos nada más.",
        "out_send": "Detener los mensajes",
        "out_bad": "Escriba el número completo, con sus dígitos.",
        "out_done_title": "Listo",
        "out_done": "{number} no recibirá más mensajes de {name}. Uno que ya salió todavía puede"
        " llegar.",
        "out_else": "Lo que siempre funciona: responda STOP a cualquiera de nuestros mensajes, o"
        " envíe STOP al {sender}.",
    },
}


def words_of(language: str) -> Mapping[str, str]:
    return WORDS.get(language, WORDS["en"])
