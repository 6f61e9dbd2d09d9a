namespace DiffusionQuant.Quantization.Training.Denoisers;

/// <summary>The content of <c>training.json</c>: how a model was trained, and how that went.</summary>
public sealed record TrainingReport
{
    /// <summary>The network's size.</summary>
    public required DenoiserConfig Network { get; init; }

    /// <summary>How many numbers were trained.</summary>
    public required long Parameters { get; init; }

    /// <summary>Where the images came from: the file's or folder's name.</summary>
    public required string Images { get; init; }

    /// <summary>How many images there were.</summary>
    public required int ImageCount { get; init; }

    /// <summary>SHA-256 of the images' bytes.</summary>
    public required string ImagesSha256 { get; init; }

    /// <summary>What the network's output means: <c>epsilon</c> or <c>v</c>.</summary>
    public required string Prediction { get; init; }

    /// <summary>The noise schedule: <c>linear</c> or <c>cosine</c>.</summary>
    public required string Schedule { get; init; }

    /// <summary>Gradient steps.</summary>
    public required int Steps { get; init; }

    /// <summary>Images of one run of the graph.</summary>
    public required int Batch { get; init; }

    /// <summary>Runs of a step.</summary>
    public required int Accumulation { get; init; }

    /// <summary>Whether values were computed again for the backward pass.</summary>
    public required bool Recompute { get; init; }

    /// <summary>The learning rate.</summary>
    public required float LearningRate { get; init; }

    /// <summary>Steps over which it rose.</summary>
    public required int WarmUp { get; init; }

    /// <summary>The longest gradient that passed unchanged; null for any.</summary>
    public required float? Clip { get; init; }

    /// <summary>The decay of the average that became the model; null where the last parameters did.</summary>
    public required float? Average { get; init; }

    /// <summary>Whether half of the images were mirrored.</summary>
    public required bool Flip { get; init; }

    /// <summary>The seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>What computed.</summary>
    public required string Device { get; init; }

    /// <summary>Threads of a computation; 0 for one per core.</summary>
    public required int Threads { get; init; }

    /// <summary>The version of ONNX Runtime.</summary>
    public required string OnnxRuntime { get; init; }

    /// <summary>The time of a step, without those of loading and of checkpoints.</summary>
    public required double MillisecondsPerStep { get; init; }

    /// <summary>The time of the training.</summary>
    public required double Seconds { get; init; }

    /// <summary>The loss over the steps.</summary>
    public required IReadOnlyList<LossPoint> Loss { get; init; }
}
