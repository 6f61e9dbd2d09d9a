using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Training;

/// <summary>
/// Many small parameters of one rate as slices of one vector: a graph of a thousand updates of single numbers takes ONNX
/// Runtime longer to load than a short training takes.
/// </summary>
/// <param name="name">The vector's name.</param>
/// <param name="settings">How it is updated.</param>
internal sealed class ParameterPack(string name, AdamSettings settings)
{
    private readonly List<(string Name, float[] Values, long[] Dims)> wanted = [];
    private readonly Dictionary<string, (int Start, float[] Initial)> places = new(StringComparer.Ordinal);
    private string? vector;

    /// <summary>Asks for a parameter; its value exists once <see cref="Write"/> was called.</summary>
    /// <returns>The value's name.</returns>
    public string Add(GraphEditor editor, string wantedName, float[] values, long[] dims)
    {
        var value = editor.Unique(wantedName);
        wanted.Add((value, values, dims));
        return value;
    }

    /// <summary>Writes the vector and its slices, of what the graph reads.</summary>
    /// <returns>The parameter; null where nothing is read.</returns>
    public Parameter? Write(GraphEditor editor)
    {
        var read = editor.Graph.Nodes.SelectMany(n => n.Inputs).ToHashSet(StringComparer.Ordinal);
        var parts = wanted.Where(w => read.Contains(w.Name)).ToArray();
        foreach (var part in wanted)
        {
            places[part.Name] = (-1, part.Values);
        }

        if (parts.Length == 0)
        {
            return null;
        }

        var start = 0;
        foreach (var part in parts)
        {
            places[part.Name] = (start, part.Values);
            start += part.Values.Length;
        }

        vector = editor.Unique(name);
        var tensor = OnnxTensor.Of(vector, parts.SelectMany(p => p.Values).ToArray().AsSpan(), start);
        editor.Graph.Add(tensor);
        long[] sizes = [.. parts.Select(p => (long)p.Values.Length)];
        string[] slices = [.. parts.Select(p => editor.Unique($"{p.Name}_slice"))];
        if (slices.Length == 1)
        {
            editor.NodeTo(slices[0], "Identity", [vector]);
        }
        else
        {
            var split = new OnnxNode("Split", [vector, editor.Integers(sizes)], slices, editor.Unique($"{name}_split"));
            split.Attributes["axis"] = 0L;
            editor.Graph.Nodes.Add(split);
        }

        foreach (var (part, slice) in parts.Zip(slices))
        {
            editor.NodeTo(part.Name, "Reshape", [slice, editor.Integers(part.Dims)]);
        }

        return new(tensor, settings);
    }

    /// <summary>A parameter's present value, or its first one where the graph does not read it.</summary>
    /// <param name="parameter">Its name.</param>
    /// <param name="read">Reads the vector.</param>
    public float[] Read(string parameter, Func<string, float[]> read) =>
        places[parameter] is var (start, initial) && start >= 0
            ? read(vector!).AsSpan(start, initial.Length).ToArray()
            : places[parameter].Initial;
}
