using System.Globalization;

namespace DiffusionQuant.Evaluation.Features.Checkpoints;

/// <summary>Finds the tensors in nested containers; a tensor's name joins the keys on the way to it with dots.</summary>
internal static class TensorNames
{
    // Python's containers may hold themselves and be held many times over, so what is walked is bounded.
    private const int MostDepth = 32;
    private const int MostValues = 1_000_000;

    public static IReadOnlyDictionary<string, CheckpointTensor> Find(object? root, string path)
    {
        var tensors = new Dictionary<string, CheckpointTensor>(StringComparer.Ordinal);
        var values = 0;
        Visit(root, "", 0);
        return tensors;

        void Visit(object? value, string name, int depth)
        {
            if (depth > MostDepth)
            {
                throw CheckpointErrors.TooLarge(path, "containers nested too deep", MostDepth);
            }

            if (++values > MostValues)
            {
                throw CheckpointErrors.TooLarge(path, "too many values", MostValues);
            }

            switch (value)
            {
                case CheckpointTensor tensor when !tensors.TryAdd(name, tensor):
                    throw CheckpointErrors.Damaged(path, $"two of its tensors are called '{name}'");
                case PickleDictionary dictionary:
                    foreach (var (key, item) in dictionary.Entries)
                    {
                        Visit(item, Join(name, key), depth + 1);
                    }

                    break;
                case PickleList list:
                    VisitAll(list.Items, name, depth);
                    break;
                case PickleTuple tuple:
                    VisitAll(tuple.Items, name, depth);
                    break;
            }
        }

        void VisitAll(IReadOnlyList<object?> items, string name, int depth)
        {
            for (var i = 0; i < items.Count; i++)
            {
                Visit(items[i], Join(name, (long)i), depth + 1);
            }
        }
    }

    private static string Join(string name, object? key)
    {
        var last = key switch
        {
            string text => text,
            long number => number.ToString(CultureInfo.InvariantCulture),
            _ => "?",
        };
        return name.Length == 0 ? last : $"{name}.{last}";
    }
}
