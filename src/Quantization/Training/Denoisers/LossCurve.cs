namespace DiffusionQuant.Quantization.Training.Denoisers;

/// <summary>The running mean of a loss, and its course in at most some hundred points.</summary>
internal sealed class LossCurve(int steps)
{
    private const int MostPoints = 200;
    private const float Weight = 0.01f;
    private readonly int interval = Math.Max(1, (steps + MostPoints - 1) / MostPoints);
    private readonly List<LossPoint> points = [];

    /// <summary>The running mean.</summary>
    public float Mean { get; private set; } = float.NaN;

    /// <summary>Seconds of all runs so far.</summary>
    public float Seconds { get; private set; }

    public IReadOnlyList<LossPoint> Points => points;

    /// <summary>Takes a step's loss.</summary>
    public void Add(int step, float loss, float seconds)
    {
        Mean = float.IsNaN(Mean) ? loss : ((1 - Weight) * Mean) + (Weight * loss);
        Seconds = seconds;
        if (step % interval == 0 || step == steps)
        {
            points.Add(new(step, Mean, seconds));
        }
    }

    /// <summary>All of it in numbers, for a checkpoint.</summary>
    public float[] Save() => [Mean, Seconds, .. points.SelectMany(p => (float[])[p.Step, p.Loss, p.Seconds])];

    /// <summary>Takes back what <see cref="Save"/> gave.</summary>
    public void Load(float[] numbers)
    {
        (Mean, Seconds) = (numbers[0], numbers[1]);
        points.AddRange(numbers[2..].Chunk(3).Select(p => new LossPoint((int)p[0], p[1], p[2])));
    }
}
