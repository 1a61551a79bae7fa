"""What a model file may do: it is looked at before TensorFlow or Keras load it.

A SavedModel is a program. One from elsewhere could read and write files (`ReadFile`, `WriteFile`,
`SaveV2`), or call Python; TensorFlow runs it with all the rights of who loads it. So only a graph
of ops that compute and do no more is loaded. A Keras model's configuration names classes
that are made: so only layers, and none that holds code or names a file.
"""

import json
import pathlib
import zipfile
from collections.abc import Iterator
from typing import Any

from zoo.utils import files

# All of them compute from tensors, variables and tables, and reach nothing outside of the process:
# those of the zoo's exports, and those of Keras's other layers, for architectures of one's own.
_NAMES = """
    Abs Add AddN AddV2 All Any ArgMax ArgMin AsString Assert AssignVariableOp Atan AvgPool
    BatchMatMul BatchMatMulV2 BatchMatMulV3 BatchToSpaceND BiasAdd Bincount BitwiseAnd BitwiseOr
    BitwiseXor BroadcastArgs BroadcastTo Case Cast Ceil ConcatV2 Const Conv2D Cos Cosh Cumprod
    Cumsum DenseBincount DepthwiseConv2dNative DisableCopyOnRead DivNoNan Einsum Elu
    EmptyTensorList EnsureShape Equal Erf Erfc Exp ExpandDims Expm1 Fill Floor FloorDiv FloorMod
    FusedBatchNormV3 GatherNd GatherV2 Greater GreaterEqual HashTableV2 Identity IdentityN If
    Inv InvertPermutation IsFinite IsInf IsNan L2Loss LeakyRelu LeftShift Less LessEqual
    LinSpace Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr LookupTableFindV2
    LookupTableImportV2 LookupTableSizeV2 LowerBound MatMul MatrixBandPart MatrixDiagV3 Max
    MaxPool Maximum Mean Min Minimum MirrorPad Mod Mul Neg NoOp NotEqual OneHot OnesLike Pack
    Pad PadV2 PartitionedCall Placeholder PlaceholderWithDefault Pow Prod RaggedGather
    RaggedRange RaggedTensorToSparse RaggedTensorToTensor Range Rank ReadVariableOp RealDiv
    Reciprocal ReduceJoin RegexFullMatch RegexReplace Relu Relu6 Reshape ResourceGather
    ResourceGatherNd ReverseV2 RightShift Rint Roll Round Rsqrt ScatterNd SegmentMax SegmentSum
    Select SelectV2 Selu Shape ShapeN Sigmoid Sign Sin Sinh Size Slice Softmax
    SoftmaxCrossEntropyWithLogits Softplus Softsign SpaceToBatchND
    SparseSoftmaxCrossEntropyWithLogits Split SplitV Sqrt Square SquaredDifference Squeeze
    StatefulPartitionedCall StatelessCase StatelessIf StatelessRandomGetKeyCounter
    StatelessRandomNormalV2 StatelessRandomUniformFullIntV2 StatelessRandomUniformV2
    StatelessWhile StaticRegexFullMatch StaticRegexReplace StopGradient StridedSlice
    StridedSliceGrad StringJoin StringLength StringLower StringSplitV2 StringStrip
    StringToHashBucketFast StringToHashBucketStrong StringToNumber StringUpper Sub Substr Sum
    Tan Tanh TensorListConcatV2 TensorListFromTensor TensorListGetItem TensorListLength
    TensorListPopBack TensorListPushBack TensorListReserve TensorListResize TensorListSetItem
    TensorListStack TensorScatterAdd TensorScatterUpdate Tile TopKV2 Transpose UnicodeDecode
    UnicodeEncode UnicodeScript UnicodeTranscode Unique UniqueV2 Unpack UnsortedSegmentJoin
    UnsortedSegmentMax UnsortedSegmentSum UpperBound VarHandleOp Where While Xdivy ZerosLike
"""
COMPUTING = frozenset(_NAMES.split())
# What saves and restores variables, which TensorFlow writes into every SavedModel: it touches
# files, and is let pass only where loading and calling the model do not run it.
_CHECKPOINTING = frozenset(["MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename"])

_ARCHIVED = {"metadata.json", "config.json", "model.weights.h5"}
_LARGEST_CONFIG = 2**24
_MODULES = {
    "keras",
    *("keras." + name for name in ("initializers", "layers", "regularizers", "constraints")),
    *("keras." + name for name in ("losses", "metrics", "optimizers", "optimizers.schedules")),
}
# They hold code, or the path of a program.
_RUNNING_CODE = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}


def check_ops(folder: pathlib.Path) -> None:
    """Looks whether a SavedModel only computes.

    Args:
        folder: of a SavedModel, with `saved_model.pb`.

    Raises:
        FileError: where the graph cannot be read, or holds an op that the zoo does not write.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    file = folder / "saved_model.pb"
    try:
        saved_model = SavedModel.FromString(file.read_bytes())
    except OSError as error:
        raise files.FileError(f"Cannot read {file}: {error.strerror or error}.") from error
    except DecodeError as error:
        raise files.FileError(f"{file} is damaged: expected the graph of a SavedModel.") from error
    for meta_graph in saved_model.meta_graphs:
        foreign = sorted(set(_foreign_ops(meta_graph)))
        if foreign:
            raise files.FileError(
                f"{file} is refused: expected a graph of the zoo, which only computes; found the "
                f"op{'s'[: len(foreign) > 1]} {', '.join(foreign[:5])}."
            )


def _foreign_ops(meta_graph) -> Iterator[str]:
    graph = meta_graph.graph_def
    functions = {function.signature.name: function for function in graph.library.function}
    # What the loader runs or offers to be run stands among the objects, by name.
    offered = set(meta_graph.object_graph_def.concrete_functions)
    called = {
        name
        for function in functions.values()
        for node in function.node_def
        for name in _functions_of(node)
    }
    for node in graph.node:
        if node.op not in COMPUTING | _CHECKPOINTING | set(functions):
            yield node.op
    for name, function in functions.items():
        allowed = COMPUTING | set(functions)
        if name not in offered | called:
            allowed |= _CHECKPOINTING
        yield from (node.op for node in function.node_def if node.op not in allowed)


def _functions_of(node) -> Iterator[str]:
    """The functions that a node calls, by its op or by an attribute such as a loop's body."""
    yield node.op
    for attribute in node.attr.values():
        yield from filter(None, [attribute.func.name])
        yield from (function.name for function in attribute.list.func)


def check_archive(file: pathlib.Path) -> None:
    """Looks whether a `.keras` file holds what Keras writes, and names no class but layers.

    Raises:
        FileError: where it cannot be read, or holds anything else.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            names = {entry.filename for entry in archive.infolist()}
            if names != _ARCHIVED:
                raise files.FileError(
                    f"{file} is refused: expected an archive of {', '.join(sorted(_ARCHIVED))}; "
                    f"found {', '.join(map(ascii, sorted(names)[:5])) or 'nothing'}."
                )
            if archive.getinfo("config.json").file_size > _LARGEST_CONFIG:
                raise files.FileError(
                    f"{file} is refused: expected a configuration of {_LARGEST_CONFIG:,} bytes at "
                    f"most; found {archive.getinfo('config.json').file_size:,}."
                )
            config = json.loads(archive.read("config.json"))
            if isinstance(config, dict):
                # It is not compiled: optimizer and loss are left out.
                config.pop("compile_config", None)
    except FileNotFoundError as error:
        raise files.FileError(f"{file} is missing: expected a Keras model.") from error
    except (zipfile.BadZipFile, ValueError, RecursionError, EOFError, NotImplementedError) as error:
        raise files.FileError(f"{file} is damaged: expected a Keras model ({error}).") from error
    except OSError as error:
        if isinstance(error, files.FileError):
            raise
        raise files.FileError(f"Cannot read {file}: {error.strerror or error}.") from error
    check_classes(config, file)


def check_classes(config: Any, file: pathlib.Path) -> None:
    """Looks whether a configuration names only Keras's layers and what this process registered.

    Args:
        config: what Keras makes a model of.
        file: where it comes from, for the message.

    Raises:
        FileError: for the first class that is neither.
    """
    from keras.saving import get_registered_object

    for entry in _entries_with_class(config):
        name, module = entry["class_name"], entry.get("module")
        registered = entry.get("registered_name")
        if isinstance(registered, str) and get_registered_object(registered) is not None:
            continue
        are_names = isinstance(module, str) and isinstance(name, str)
        if not are_names or module not in _MODULES or name in _RUNNING_CODE:
            raise files.FileError(
                f"{file} is refused: expected layers of Keras and of the zoo; found "
                f"{ascii(module)[:80]} {ascii(name)[:80]}."
            )


def _entries_with_class(config: Any) -> Iterator[dict[str, Any]]:
    """All dicts that name a class, however deep; without recursion, which a file could exhaust."""
    left = [config]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if "class_name" in value:
                yield value
            left += value.values()
        elif isinstance(value, list):
            left += value
