using System.Collections;
using System.Diagnostics.CodeAnalysis;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine;

/// <summary>Named tensors that are disposed together: what a run returns, in the order in which it was asked for.</summary>
public sealed class TensorSet : IDisposable, IEnumerable<KeyValuePair<string, OrtValue>>
{
    private readonly OrderedDictionary<string, OrtValue> values = new(StringComparer.Ordinal);

    /// <summary>Takes over tensors.</summary>
    /// <param name="names">Their names, each once.</param>
    /// <param name="tensors">As many tensors.</param>
    internal TensorSet(IReadOnlyList<string> names, IReadOnlyCollection<OrtValue> tensors)
    {
        var i = 0;
        foreach (var tensor in tensors)
        {
            values.Add(names[i++], tensor);
        }
    }

    /// <summary>The number of tensors.</summary>
    public int Count => values.Count;

    /// <summary>The tensors' names.</summary>
    public IReadOnlyCollection<string> Names => values.Keys;

    /// <summary>The tensor of a name; it lives until this set is disposed.</summary>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    public OrtValue this[string name] =>
        values.TryGetValue(name, out var value)
            ? value
            : throw new KeyNotFoundException($"There is no tensor '{name}', only {string.Join(", ", values.Keys)}.");

    /// <summary>The tensor of a name, if there is one; it lives until this set is disposed.</summary>
    public bool TryGetValue(string name, [NotNullWhen(true)] out OrtValue? value) =>
        values.TryGetValue(name, out value);

    /// <summary>Takes a tensor out of the set: it is now the caller's to dispose.</summary>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    public OrtValue Take(string name)
    {
        var value = this[name];
        values.Remove(name);
        return value;
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, OrtValue>> GetEnumerator() => values.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Disposes the tensors that were not taken out.</summary>
    public void Dispose()
    {
        foreach (var value in values.Values)
        {
            value.Dispose();
        }

        values.Clear();
    }
}
