"""Ops of TensorFlow for which tf2onnx has no conversion, or one with other values."""

import functools

import numpy as np


@functools.cache
def register_onnx_ops() -> None:
    """Registers conversions with tf2onnx."""
    from tf2onnx import utils
    from tf2onnx.handler import tf_op
    from tf2onnx.onnx_opset.math import FloorMod as FloatFloorMod

    def replace(graph, node, op: str, inputs: list[str]) -> None:
        shapes, dtypes, outputs = node.output_shapes, node.output_dtypes, node.output
        graph.remove_node(node.name)
        graph.make_node(op, inputs, name=node.name, outputs=outputs, shapes=shapes, dtypes=dtypes)

    @tf_op("Erfc")
    class Erfc:
        """erfc(x) = 1 - erf(x), as in GELU."""

        @classmethod
        def version_9(cls, ctx, node, **kwargs):
            del kwargs
            dtype = utils.map_onnx_to_numpy_type(ctx.get_dtype(node.input[0]))
            one = ctx.make_const(utils.make_name("one"), np.array(1, dtype))
            erf = ctx.make_node("Erf", list(node.input))
            replace(ctx, node, "Sub", [one.output[0], erf.output[0]])

    @tf_op("FloorMod")
    class FloorMod:
        """Of integers: tf2onnx divides them, which ONNX rounds towards 0 instead of down."""

        @classmethod
        def version_10(cls, ctx, node, **kwargs):
            dtype = utils.map_onnx_to_numpy_type(ctx.get_dtype(node.input[0]))
            if np.issubdtype(dtype, np.integer):
                replace(ctx, node, "Mod", list(node.input))
            else:
                FloatFloorMod.version_7(ctx, node, **kwargs)
