"""Konduit's own Python client asks a pipeline; run as `story.py PORT [PICTURE]`, by a Python that has the client.

The package starts a Java machine when it is imported, which its client has no use for; so its modules are imported
without it.
"""

import importlib.util
import json
import sys
import types

import numpy

package = types.ModuleType("konduit")
package.__path__ = importlib.util.find_spec("konduit").submodule_search_locations
sys.modules["konduit"] = package

from konduit.client import Client  # noqa: E402 - what it is in is made above


def ask(where):
    """Ask a model that adds `x` and `y`."""
    x, y, told = numpy.array([1, 2], "f4"), numpy.array([2, 3], "f4"), {}
    arrays = Client(**where)
    told["configuration"] = [arrays.input_names, arrays.output_names, arrays.convert_to_format]
    told["sum"] = arrays.predict({"x": x, "y": y}).tolist()
    told["stacked"] = arrays.predict({"x[1]": numpy.array(2, "f4"), "x[0]": numpy.array(1, "f4"), "y": y}).tolist()

    rows = Client(**where, input_data_format="JSON", output_data_format="JSON")
    told["rows"] = rows.predict([{"x": 1, "y": 2}, {"x": 2, "y": 3}])

    kinds = Client(**where, input_data_format="JSON", output_data_format="JSON", prediction_type="CLASSIFICATION")
    told["classes"] = kinds.predict([{"x": 1, "y": 2}, {"x": 2, "y": 3}])

    octets = Client(**where, output_data_format="RAW", prediction_type="ND4J")
    told["nd4j"] = octets.predict({"x": x, "y": y}).hex()

    try:
        arrays.predict({"x": x})
    except Exception as error:  # noqa: BLE001 - the client raises nothing else
        told["refused"] = str(error)
    return told


def show(where, picture):
    """Send a picture."""
    with open(picture, "rb") as file:
        found = Client(**where, input_data_format="IMAGE").predict({"photo": file})
    return {"picture": found.tolist()}


port, *pictures = sys.argv[1:]
server = {"host": "http://127.0.0.1", "port": f"{port}/konduit"}
json.dump(show(server, *pictures) if pictures else ask(server), sys.stdout)
