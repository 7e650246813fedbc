"""Flask alone: JSON in, JSON out, nothing validated."""

from __future__ import annotations

from flask import Flask, Response, jsonify, request

app = Flask(__name__)


@app.post("/things")
def add_thing() -> Response:
    """Answer with the thing."""
    return jsonify(request.get_json())
