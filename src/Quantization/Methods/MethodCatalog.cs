namespace DiffusionQuant.Quantization.Methods;

/// <summary>The methods that recipes can name.</summary>
public static class MethodCatalog
{
    /// <summary>All methods, the default first.</summary>
    public static IReadOnlyList<QuantizationMethod> All { get; } =
    [
        Mse.Method,
        MinMax.Method,
        GptqRounding.Method,
        QDiffusion.Method,
        Pqd.Method,
        TcaqDm.Method,
        MpqDm.Method,
        MpqDm.Plus,
        QDm.Method,
    ];

    /// <summary>The methods' names.</summary>
    public static IReadOnlyList<string> Names => [.. All.Select(m => m.Name)];

    /// <summary>The method of a name.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1090: there is none.</exception>
    public static QuantizationMethod Find(string name) =>
        All.FirstOrDefault(m => m.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw QuantizationErrors.UnknownMethod(name, Names);
}
