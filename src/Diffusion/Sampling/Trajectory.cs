using System.Globalization;

namespace DiffusionQuant.Diffusion;

/// <summary>Denoises batches of images from pure noise, step by step. What becomes of image k depends on the model, the
/// settings and k, not on the batch it is in (up to the rounding of the network's own sums).</summary>
public sealed class Trajectory
{
    private readonly IDenoiser denoiser;
    private readonly TrajectorySettings settings;
    private readonly NoiseSource noise;
    private readonly bool isGuided;

    /// <summary>Prepares runs.</summary>
    /// <param name="denoiser">The network.</param>
    /// <param name="schedule">Its noise schedule.</param>
    /// <param name="settings">Sampler, seed and conditioning.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1049 to DQ1051, DQ1053, DQ1057, DQ1058: the timesteps are not
    /// usable, conditioning is missing or does not fit, or a setting is bad.</exception>
    public Trajectory(IDenoiser denoiser, NoiseSchedule schedule, TrajectorySettings? settings = null)
    {
        this.denoiser = denoiser;
        this.settings = settings ?? TrajectorySettings.Default;
        noise = new(this.settings.Seed);
        Sampler = this.settings.Sampler.CreateSampler(schedule);
        Grid = this.settings.Sampler.CreateGrid(schedule);
        isGuided = this.settings.GuidanceScale != 1;
        Check(Contract, Sampler, Grid, this.settings);
    }

    /// <summary>The sampler.</summary>
    public ISampler Sampler { get; }

    /// <summary>The timesteps.</summary>
    public TimestepGrid Grid { get; }

    private DenoiserContract Contract => denoiser.Contract;

    /// <summary>Says what would keep a trajectory from being made, before a network is loaded.</summary>
    /// <param name="contract">How the network is called.</param>
    /// <param name="schedule">Its noise schedule.</param>
    /// <param name="settings">Sampler, seed and conditioning.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">As of the constructor.</exception>
    public static void Check(DenoiserContract contract, NoiseSchedule schedule, TrajectorySettings settings) =>
        Check(contract, settings.Sampler.CreateSampler(schedule), settings.Sampler.CreateGrid(schedule), settings);

    /// <summary>Denoises images and gives every step; the next step is computed when it is asked for.</summary>
    /// <param name="images">The images' indices, 0 or more each.</param>
    /// <param name="cancellation">Stops the run.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1055: the network's output is not finite.</exception>
    public IEnumerable<DenoisingStep> Steps(IReadOnlyList<int> images, CancellationToken cancellation = default)
    {
        var call = FirstCall(images);
        var unconditional = isGuided ? Unconditional(call, images) : null;
        foreach (var pair in Grid)
        {
            cancellation.ThrowIfCancellationRequested();
            call = call with { Timesteps = [pair.Timestep] };
            unconditional = unconditional is null
                ? null
                : unconditional with
                {
                    Timesteps = call.Timesteps,
                    Samples = call.Samples,
                };
            var step = Step(pair, images, call, unconditional, cancellation);
            yield return step;
            call = call with { Samples = step.Next };
        }
    }

    /// <summary>Denoises images to the end.</summary>
    /// <param name="images">The images' indices, 0 or more each.</param>
    /// <param name="observe">Sees every step.</param>
    /// <param name="cancellation">Stops the run.</param>
    /// <returns>The samples: N·C·H·W numbers.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1055: the network's output is not finite.</exception>
    public float[] Run(
        IReadOnlyList<int> images,
        Action<DenoisingStep>? observe = null,
        CancellationToken cancellation = default
    )
    {
        var last = Array.Empty<float>();
        foreach (var step in Steps(images, cancellation))
        {
            observe?.Invoke(step);
            last = step.Next;
        }

        return last;
    }

    private DenoiserCall FirstCall(IReadOnlyList<int> images)
    {
        var size = Contract.SampleShape.Length;
        var samples = new float[images.Count * size];
        for (var i = 0; i < images.Count; i++)
        {
            noise.FillNormal(NoisePurpose.Initial, images[i], 0, samples.AsSpan(i * size, size));
        }

        return new()
        {
            Count = images.Count,
            Samples = samples,
            Timesteps = [Grid.Timesteps[0]],
            ClassLabels = Contract.ClassLabel is null ? null : [.. images.Select(LabelOf)],
            Conditioning = settings.Conditioning.Rows(Contract, images),
        };
    }

    private DenoiserCall Unconditional(DenoiserCall call, IReadOnlyList<int> images) =>
        call with
        {
            ClassLabels =
                Contract.NullClass is { } none && call.ClassLabels is not null
                    ? [.. Enumerable.Repeat(none, images.Count)]
                    : call.ClassLabels,
            Conditioning = settings.Conditioning.Rows(Contract, images, unconditional: true),
        };

    private int LabelOf(int image) =>
        settings.ClassLabels is { Count: > 0 } labels
            ? labels[image % labels.Count]
            : noise.Draw(NoisePurpose.ClassLabel, image, Contract.ClassCount!.Value);

    private DenoisingStep Step(
        TimestepPair pair,
        IReadOnlyList<int> images,
        DenoiserCall call,
        DenoiserCall? unconditional,
        CancellationToken cancellation
    )
    {
        var conditionalOutput = denoiser.Predict(call, cancellation);
        CheckFinite(conditionalOutput, pair.Timestep);
        var unconditionalOutput = unconditional is null ? null : denoiser.Predict(unconditional, cancellation);
        var output = unconditionalOutput is null
            ? conditionalOutput
            : Guided(conditionalOutput, unconditionalOutput, images.Count);

        var size = Contract.SampleShape.Length;
        var outputSize = output.Length / images.Count;
        var clean = new float[images.Count * size];
        var next = new float[images.Count * size];
        var added = Sampler.AddsNoise(pair) ? new float[size] : [];
        for (var i = 0; i < images.Count; i++)
        {
            if (added.Length > 0)
            {
                noise.FillNormal(NoisePurpose.Step, images[i], pair.Index, added);
            }

            Sampler.Step(
                pair,
                call.Samples.AsSpan(i * size, size),
                output.AsSpan(i * outputSize, outputSize),
                added,
                clean.AsSpan(i * size, size),
                next.AsSpan(i * size, size)
            );
        }

        return new()
        {
            Pair = pair,
            StepCount = Grid.Count,
            Images = images,
            Call = call,
            UnconditionalCall = unconditional,
            Output = output,
            ConditionalOutput = conditionalOutput,
            UnconditionalOutput = unconditionalOutput,
            CleanSamples = clean,
            Next = next,
        };
    }

    /// <summary>u + s·(c − u) on the prediction's channels; a predicted variance stays the conditional one.</summary>
    private float[] Guided(float[] conditional, float[] unconditional, int count)
    {
        float[] guided = [.. conditional];
        var size = Contract.SampleShape.Length;
        var outputSize = conditional.Length / count;
        var scale = (float)settings.GuidanceScale;
        for (var image = 0; image < count; image++)
        {
            for (var i = image * outputSize; i < (image * outputSize) + size; i++)
            {
                guided[i] = unconditional[i] + (scale * (conditional[i] - unconditional[i]));
            }
        }

        return guided;
    }

    private void CheckFinite(ReadOnlySpan<float> output, double timestep)
    {
        foreach (var value in output)
        {
            if (!float.IsFinite(value))
            {
                throw DiffusionErrors.NotFinite(Contract.Path, timestep, "model's output");
            }
        }
    }

    private static void Check(
        DenoiserContract contract,
        ISampler sampler,
        TimestepGrid grid,
        TrajectorySettings settings
    )
    {
        if (contract.TimestepRows is { } rows && grid.Timesteps[0] >= rows)
        {
            throw DiffusionErrors.BadTimesteps(
                $"timestep {TimestepText.Of(grid.Timesteps[0])} is not in the model's learned table of {rows}"
            );
        }

        if (!double.IsFinite(settings.GuidanceScale) || settings.GuidanceScale < 0)
        {
            throw DiffusionErrors.BadSettings(
                "guidance scale",
                settings.GuidanceScale.ToString(CultureInfo.InvariantCulture),
                "a number of at least 0 is expected"
            );
        }

        if (
            sampler is DdpmSampler { VarianceType: VarianceType.Learned or VarianceType.LearnedRange }
            && !contract.PredictsVariance
        )
        {
            throw DiffusionErrors.BadOutput(
                contract.Path,
                contract.Output.Name,
                $"variance_type is a learned one, but the output has the sample's {contract.SampleShape.Channels} channels, not twice as many"
            );
        }

        if (
            contract.ClassLabel is { } labels
            && settings.ClassLabels is not { Count: > 0 }
            && contract.ClassCount is null
        )
        {
            throw DiffusionErrors.ConditioningMissing(
                contract.Path,
                $"{labels}, of which the number of classes is not known (let config.json beside the model say it: \"num_class_embeds\")"
            );
        }

        settings.Conditioning.Check(contract, withUnconditional: settings.GuidanceScale != 1);
    }
}
