namespace DiffusionQuant.Evaluation.Features.Checkpoints;

/// <summary>A Python list.</summary>
internal sealed class PickleList
{
    public List<object?> Items { get; } = [];
}

/// <summary>A Python tuple, or a <c>torch.Size</c>.</summary>
internal sealed record PickleTuple(IReadOnlyList<object?> Items);

/// <summary>
/// A Python dictionary, ordered or not. Its entries are a list: keys from a file are not hashed, because a container may
/// be one.
/// </summary>
internal sealed class PickleDictionary
{
    public List<KeyValuePair<object?, object?>> Entries { get; } = [];
}

/// <summary>One of the few names of Python that a checkpoint may use.</summary>
/// <param name="Name">Module and name: <c>collections.OrderedDict</c>.</param>
/// <param name="Kind">What stands behind it.</param>
/// <param name="Storage">The element type; null for what is no storage.</param>
internal sealed record PickleGlobal(string Name, GlobalKind Kind, Onnx.ElementType? Storage = null);

/// <summary>What stands behind a name of Python.</summary>
internal enum GlobalKind
{
    /// <summary><c>collections.OrderedDict</c>.</summary>
    OrderedDictionary,

    /// <summary><c>torch.Size</c>.</summary>
    Size,

    /// <summary><c>torch._utils._rebuild_tensor</c> and its second version.</summary>
    Tensor,

    /// <summary><c>torch._utils._rebuild_parameter</c>.</summary>
    Parameter,

    /// <summary>A type of storage; it is named and never called.</summary>
    Storage,
}
