using DiffusionQuant.Onnx;

namespace DiffusionQuant.Evaluation.Features.Checkpoints;

/// <summary>The names of Python that a checkpoint may use. Whatever is not here is refused before anything is made of it.</summary>
internal static class PickleGlobals
{
    private static readonly Dictionary<string, PickleGlobal> Known = new[]
    {
        new PickleGlobal("collections.OrderedDict", GlobalKind.OrderedDictionary),
        new PickleGlobal("torch.Size", GlobalKind.Size),
        new PickleGlobal("torch._utils._rebuild_tensor", GlobalKind.Tensor),
        new PickleGlobal("torch._utils._rebuild_tensor_v2", GlobalKind.Tensor),
        new PickleGlobal("torch._utils._rebuild_parameter", GlobalKind.Parameter),
        Storage("Float", ElementType.Float),
        Storage("Double", ElementType.Double),
        Storage("Half", ElementType.Float16),
        Storage("BFloat16", ElementType.BFloat16),
        Storage("Long", ElementType.Int64),
        Storage("Int", ElementType.Int32),
        Storage("Short", ElementType.Int16),
        Storage("Char", ElementType.Int8),
        Storage("Byte", ElementType.UInt8),
        Storage("Bool", ElementType.Bool),
    }.ToDictionary(g => g.Name, StringComparer.Ordinal);

    /// <summary>A name that is allowed; null for any other.</summary>
    public static PickleGlobal? Find(string module, string name) => Known.GetValueOrDefault($"{module}.{name}");

    private static PickleGlobal Storage(string name, ElementType type) =>
        new($"torch.{name}Storage", GlobalKind.Storage, type);
}
