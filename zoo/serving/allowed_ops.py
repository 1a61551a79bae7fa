"""What a SavedModel may do: its graph is checked before TensorFlow loads it.

A SavedModel is a program. One from elsewhere could read and write files (`ReadFile`, `WriteFile`,
`SaveV2`), or call Python; TensorFlow runs it with all the rights of who loads it. So only a graph
of ops that compute and do no more is loaded.
"""

import pathlib
from collections.abc import Iterator

from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

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


def check_ops(folder: pathlib.Path) -> None:
    """Looks whether a SavedModel only computes.

    Args:
        folder: of a SavedModel, with `saved_model.pb`.

    Raises:
        FileError: where the graph cannot be read, or holds an op that the zoo does not write.
    """
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
    # Functions that the loader runs or exposes are among the objects, by name.
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
