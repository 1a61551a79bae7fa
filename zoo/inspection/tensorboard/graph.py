"""The graphs of a model: of its layers and of its ops."""

import json
from collections.abc import Iterator

import keras
import tensorflow as tf
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.util import tensor_util

from zoo.inspection.tensorboard.dashboard import Dashboard, register_dashboard


@register_dashboard("graph")
class Graphs(Dashboard):
    """The graphs of a model, of its layers and of its ops."""

    def applies(self):
        # A subclass of keras.Model may do anything in its call.
        return bool(getattr(self.fit.model, "outputs", None))

    def on_fit_begin(self):
        self.fit.train.write_graph(op_graph(self.fit.model))
        self.fit.train.write(keras_graph(self.fit.model), 0)


def keras_graph(model: keras.Model) -> Summary:
    """The graph of layers, by their names.

    TensorBoard reads the config of a functional model; a model of another class has one inside.
    """
    functional = keras.Model(_inputs(model), model.outputs[0], name=model.name)
    config = json.loads(functional.to_json())
    for layer in config["config"]["layers"]:
        for call in layer["inbound_nodes"]:
            # TensorBoard draws no edge for an argument by name, such as a source, and fails for
            # one that is no tensor.
            call["args"] = [*_tensors(call["args"]), *_tensors(call["kwargs"])]
    metadata = SummaryMetadata(
        plugin_data=SummaryMetadata.PluginData(plugin_name="graph_keras_model", content=b"1")
    )
    tensor = tensor_util.make_tensor_proto(json.dumps(config))
    return Summary(value=[Summary.Value(tag="keras", tensor=tensor, metadata=metadata)])


def _inputs(model: keras.Model):
    """The inputs of a model, nested as its call takes them."""
    # A Sequential that was built and never called has no `input`.
    return model.inputs[0] if isinstance(model, keras.Sequential) else model.input


def _tensors(arguments) -> Iterator[dict]:
    """The tensors in a nest of serialized arguments."""
    if isinstance(arguments, dict) and arguments.get("class_name") == "__keras_tensor__":
        yield arguments
    elif isinstance(arguments, dict):
        yield from _tensors(list(arguments.values()))
    elif isinstance(arguments, list):
        for argument in arguments:
            yield from _tensors(argument)


def op_graph(model: keras.Model) -> bytes:
    """TensorFlow's graph of the forward pass, for any batch size and length, as a `GraphDef`."""
    inputs = keras.tree.map_structure(
        lambda x: tf.TensorSpec(x.shape, x.dtype, name=x.name), _inputs(model)
    )
    answer = tf.function(lambda given: model(given, training=False), autograph=False)
    graph = answer.get_concrete_function(inputs).graph
    return graph.as_graph_def(add_shapes=True).SerializeToString()
