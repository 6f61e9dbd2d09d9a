using System.Globalization;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>One of several equal parts of a run, each of which may be made on another machine.</summary>
/// <param name="Index">Which part, from 1.</param>
/// <param name="Count">How many parts there are.</param>
public readonly record struct Shard(int Index, int Count)
{
    /// <summary>All of it.</summary>
    public static Shard Whole { get; } = new(1, 1);

    /// <summary>Reads <c>3/16</c>.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3002: it is no such text.</exception>
    public static Shard Parse(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        return
            slash > 0
            && int.TryParse(text.AsSpan(0, slash), NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            && int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && index >= 1
            && index <= count
            ? new(index, count)
            : throw EvaluationErrors.BadShard(text);
    }

    /// <summary>
    /// The part that a scheduler gave to this process: Slurm's job arrays (<c>SLURM_ARRAY_TASK_ID</c> with <c>_COUNT</c>, <c>_MIN</c>
    /// and <c>_STEP</c>), indexed jobs of Kubernetes (<c>JOB_COMPLETION_INDEX</c>, with <c>DIFFQUANT_SHARDS</c> for their number,
    /// which Kubernetes does not tell), or <c>RANK</c> with <c>WORLD_SIZE</c>, as torchrun and others set them.
    /// </summary>
    /// <param name="variable">Reads an environment variable; null when it is not set.</param>
    /// <returns>The part and the variable that named it; null when no scheduler did.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3003: the variables contradict each other.</exception>
    public static (Shard Shard, string Source)? FromEnvironment(Func<string, string?> variable)
    {
        if (Number("SLURM_ARRAY_TASK_ID") is { } task && Number("SLURM_ARRAY_TASK_COUNT") is { } tasks)
        {
            var step = Math.Max(Number("SLURM_ARRAY_TASK_STEP") ?? 1, 1);
            return Checked(((task - (Number("SLURM_ARRAY_TASK_MIN") ?? 0)) / step) + 1, tasks, "SLURM_ARRAY_TASK_ID");
        }

        if (Number("JOB_COMPLETION_INDEX") is { } completion)
        {
            var count = Number("DIFFQUANT_SHARDS") ?? throw EvaluationErrors.ShardCountMissing();
            return Checked(completion + 1, count, "JOB_COMPLETION_INDEX");
        }

        return Number("RANK") is { } rank && Number("WORLD_SIZE") is { } size ? Checked(rank + 1, size, "RANK") : null;

        int? Number(string name) =>
            variable(name) is { Length: > 0 } text
                ? int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                    ? number
                    : throw EvaluationErrors.BadShardVariable(name, text)
                : null;
    }

    /// <summary>This part of a row of items: every item is in one part, and a part's items are neighbours.</summary>
    /// <param name="items">How many items there are.</param>
    public Range Of(int items) => (int)((long)items * (Index - 1) / Count)..(int)((long)items * Index / Count);

    /// <summary><c>3/16</c>.</summary>
    public override string ToString() => $"{Index}/{Count}";

    private static (Shard Shard, string Source) Checked(int index, int count, string source) =>
        index >= 1 && index <= count
            ? (new(index, count), source)
            : throw EvaluationErrors.BadShardVariable(source, $"part {index} of {count}");
}
