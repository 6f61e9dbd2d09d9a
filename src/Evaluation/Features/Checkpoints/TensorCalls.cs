using System.Text;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Evaluation.Features.Checkpoints;

/// <summary>Makes what a pickle's names, calls and storages stand for, and checks that all of it fits together.</summary>
/// <param name="path">The file's path, for messages.</param>
internal sealed class TensorCalls(string path)
{
    private readonly Dictionary<string, StorageReference> storages = new(StringComparer.Ordinal);

    /// <summary>All storages that were named.</summary>
    public IReadOnlyCollection<StorageReference> Storages => storages.Values;

    /// <summary>A name of Python.</summary>
    /// <exception cref="DiffusionQuantException">DQ3053: it is not one of the few that are known.</exception>
    public PickleGlobal Global(string module, string name) =>
        PickleGlobals.Find(module, name) ?? throw CheckpointErrors.Refused(path, $"'{Shown($"{module}.{name}")}'");

    /// <summary>The result of a call.</summary>
    public object? Call(object? function, object? arguments)
    {
        if (function is not PickleGlobal global || arguments is not PickleTuple { Items: var items })
        {
            throw CheckpointErrors.Refused(path, "a call of something that is no function");
        }

        return global.Kind switch
        {
            GlobalKind.OrderedDictionary => Dictionary(items),
            GlobalKind.Size when items is [PickleTuple sizes] => sizes,
            GlobalKind.Parameter when items is [CheckpointTensor tensor, ..] => tensor,
            GlobalKind.Tensor
                when items is [StorageView storage, long offset, PickleTuple sizes, PickleTuple strides, ..] => Tensor(
                storage,
                offset,
                Numbers(sizes),
                Numbers(strides)
            ),
            GlobalKind.Storage => throw CheckpointErrors.Refused(path, $"a call of '{global.Name}'"),
            _ => throw CheckpointErrors.Damaged(path, $"'{global.Name}' is called with arguments that do not fit"),
        };
    }

    /// <summary>The storage of a persistent id: <c>('storage', type, key, location, count[, view])</c>.</summary>
    public StorageView Storage(object? id)
    {
        if (
            id
                is not PickleTuple
                {
                    Items: ["storage", PickleGlobal { Storage: { } type }, string key, _, long count, ..] items
                }
            || count < 0
            || count > long.MaxValue / 16
        )
        {
            throw CheckpointErrors.Damaged(path, "a storage is not described as PyTorch describes them");
        }

        var storage = new StorageReference(key, type, count);
        if (!storages.TryAdd(key, storage) && storages[key] != storage)
        {
            throw CheckpointErrors.Damaged(path, $"the storage '{Shown(key)}' is described in two ways");
        }

        return items.Count < 6 || items[5] is null ? new(storage, 0, count) : View(storage, items[5]);
    }

    private StorageView View(StorageReference storage, object? view) =>
        view is PickleTuple { Items: [string, long offset, long size] }
        && offset >= 0
        && size >= 0
        && offset <= storage.Count
        && size <= storage.Count - offset
            ? new(storage, offset, size)
            : throw CheckpointErrors.Damaged(path, $"a view of the storage '{Shown(storage.Key)}' lies outside of it");

    private PickleDictionary Dictionary(IReadOnlyList<object?> items)
    {
        var dictionary = new PickleDictionary();
        // Python 2 hands the entries over as a list of pairs.
        var pairs = items switch
        {
            [] => [],
            [PickleList list] => list.Items,
            _ => throw CheckpointErrors.Damaged(path, "an ordered dictionary is made of something that is no list"),
        };
        foreach (var pair in pairs)
        {
            dictionary.Entries.Add(
                pair switch
                {
                    PickleTuple { Items: [var key, var value] } => new(key, value),
                    PickleList { Items: [var key, var value] } => new(key, value),
                    _ => throw CheckpointErrors.Damaged(path, "an entry of an ordered dictionary is no pair"),
                }
            );
        }

        return dictionary;
    }

    private CheckpointTensor Tensor(StorageView view, long offset, long[] sizes, long[] strides)
    {
        if (sizes.Length != strides.Length || offset < 0 || offset > view.Count)
        {
            throw CheckpointErrors.Damaged(path, "a tensor's sizes, strides and offset do not fit together");
        }

        try
        {
            var tensor = new CheckpointTensor(view.Storage, view.Offset + offset, sizes, strides);
            if (tensor.Extent <= view.Count - offset)
            {
                return tensor;
            }
        }
        catch (OverflowException)
        {
            // Sizes that overflow lie outside of any storage.
        }

        throw CheckpointErrors.Damaged(
            path,
            $"a tensor [{string.Join(',', sizes)}] lies outside of its storage '{Shown(view.Storage.Key)}' of {view.Count} elements"
        );
    }

    private long[] Numbers(PickleTuple tuple) =>
        tuple.Items.Count <= 64 && tuple.Items.All(i => i is long and >= 0)
            ? [.. tuple.Items.Cast<long>()]
            : throw CheckpointErrors.Damaged(path, "a tensor's sizes or strides are no numbers from 0");

    /// <summary>A text of the file, fit for a message of one line.</summary>
    private static string Shown(string text)
    {
        var shown = new StringBuilder();
        foreach (var c in text.Length > 100 ? $"{text[..100]}..." : text)
        {
            shown.Append(char.IsControl(c) ? '?' : c);
        }

        return shown.ToString();
    }
}
