namespace DiffusionQuant.Onnx.ShapeInference;

/// <summary>
/// Finds element types and shapes of inner values. Sizes are numbers, symbols of the inputs, or unknown; small integer
/// tensors that shapes are computed with are followed through the graph. Operators without a rule leave their outputs as
/// the file has them. Never fails on a model that <see cref="GraphChecker"/> accepts.
/// </summary>
public static class ShapeInferrer
{
    /// <summary>Fills <see cref="OnnxGraph.ValueInfos"/> of the graph and its subgraphs; inputs and outputs stay as they are.</summary>
    /// <param name="model">The model; its graph's nodes are in topological order.</param>
    public static void Infer(OnnxModel model)
    {
        var inference = new GraphInference(model.Graph, believesFile: true, shape => shape);
        inference.Run(model.Graph.Inputs.Select(i => new ValueFacts(i.ElementType, i.Shape)));
        inference.WriteInner();
    }

    /// <summary>
    /// Infers with given sizes, in a copy. The copy's inputs and outputs still are what they were;
    /// <see cref="OnnxGraph.Find"/> of the copy gives the sizes for them too.
    /// </summary>
    /// <param name="model">The model; it is not changed.</param>
    /// <param name="options">The sizes.</param>
    /// <returns>A copy that shares the tensors.</returns>
    /// <exception cref="ArgumentException">An input of that name does not exist, or its rank differs.</exception>
    public static OnnxModel Infer(OnnxModel model, ShapeInferenceOptions options)
    {
        foreach (var name in options.Inputs.Keys)
        {
            if (!model.Graph.Inputs.Exists(i => i.Name == name))
            {
                throw new ArgumentException($"The graph has no input '{name}'.", nameof(options));
            }
        }

        var copy = model.Clone();
        var symbols = new Dictionary<string, long>(options.Symbols, StringComparer.Ordinal);
        var contradicts = false;
        foreach (var input in copy.Graph.Inputs)
        {
            if (options.Inputs.TryGetValue(input.Name, out var given) && input.Shape is { } declared)
            {
                contradicts |= Bind(input.Name, declared, given, symbols);
            }
        }

        TensorShape Substitute(TensorShape shape) =>
            new(shape.Select(d => d.Symbol is { } s && symbols.TryGetValue(s, out var size) ? size : d));

        // Where a given size contradicts the file's own, the file's inner shapes cannot be right either.
        var inference = new GraphInference(copy.Graph, !contradicts, Substitute);
        inference.Run(copy.Graph.Inputs.Select(Facts));
        inference.WriteInner();
        foreach (var border in copy.Graph.Inputs.Concat(copy.Graph.Outputs))
        {
            inference.Write(border.Name);
        }

        return copy;

        ValueFacts Facts(ValueInfo input) =>
            new(
                input.ElementType,
                options.Inputs.TryGetValue(input.Name, out var given) ? Substitute(given)
                    : input.Shape is { } shape ? Substitute(shape)
                    : null
            );
    }

    private static bool Bind(string input, TensorShape declared, TensorShape given, Dictionary<string, long> symbols)
    {
        if (declared.Rank != given.Rank)
        {
            throw new ArgumentException($"Input '{input}' is {declared}, and the given shape is {given}.");
        }

        var contradicts = false;
        foreach (var (old, size) in declared.Zip(given))
        {
            if (old.Symbol is { } symbol && size.Value is { } value)
            {
                symbols.TryAdd(symbol, value);
            }

            contradicts |= old.Value is { } number && size != number;
        }

        return contradicts;
    }
}
