using System.Globalization;

namespace DiffusionQuant.Diffusion;

/// <summary>Denoises batches of images from noise, or from a noised picture, step by step. What becomes of image k depends on the model, the
/// settings and k, not on the batch it is in (up to the rounding of the network's own sums).</summary>
public sealed class Trajectory
{
    private readonly IDenoiser denoiser;
    private readonly TrajectorySettings settings;
    private readonly NoiseSource noise;
    private readonly bool isGuided;
    private readonly bool joinsGuidance;

    /// <summary>Prepares runs.</summary>
    /// <param name="denoiser">The network.</param>
    /// <param name="path">Its forward process.</param>
    /// <param name="settings">Sampler, seed and conditioning.</param>
    /// <param name="joinsGuidance">Whether both calls of guidance may be one; false for a network that counts calls.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1049 to DQ1051, DQ1053, DQ1057, DQ1058, DQ1060: the timesteps are not
    /// usable, conditioning is missing or does not fit, or a setting is bad.</exception>
    public Trajectory(
        IDenoiser denoiser,
        NoisePath path,
        TrajectorySettings? settings = null,
        bool joinsGuidance = true
    )
    {
        this.joinsGuidance = joinsGuidance;
        this.denoiser = denoiser;
        this.settings = Complete(Contract, settings ?? TrajectorySettings.Default);
        noise = new(this.settings.Seed);
        Solver = this.settings.Sampler.CreateSolver(path);
        isGuided = IsGuided(Contract, this.settings);
        Check(Contract, Solver, this.settings);
    }

    /// <summary>The settings, with all inputs that follow from others.</summary>
    public TrajectorySettings Settings => settings;

    /// <summary>The solver, which says at which timesteps the network is called.</summary>
    public Solver Solver { get; }

    private DenoiserContract Contract => denoiser.Contract;

    /// <summary>Says what would keep a trajectory from being made, before a network is loaded.</summary>
    /// <param name="contract">How the network is called.</param>
    /// <param name="path">Its forward process.</param>
    /// <param name="settings">Sampler, seed and conditioning.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">As of the constructor.</exception>
    public static void Check(DenoiserContract contract, NoisePath path, TrajectorySettings settings) =>
        Check(contract, settings.Sampler.CreateSolver(path), Complete(contract, settings));

    /// <summary>Whether the network is called with and without conditioning; not where it was distilled with guidance.</summary>
    internal static bool IsGuided(DenoiserContract contract, TrajectorySettings settings) =>
        settings.GuidanceScale != 1 && !contract.TakesGuidance;

    /// <summary>Denoises images and gives every step; the next step is computed when it is asked for.</summary>
    /// <param name="images">The images' indices, 0 or more each.</param>
    /// <param name="cancellation">Stops the run.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1055: the network's output is not finite.</exception>
    public IEnumerable<DenoisingStep> Steps(IReadOnlyList<int> images, CancellationToken cancellation = default)
    {
        SolverRun[] runs = [.. images.Select(Start)];
        var call = FirstCall(images);
        var unconditional = isGuided ? Unconditional(call, images) : null;
        for (var index = FirstCallIndex; index < Solver.Timesteps.Count; index++)
        {
            cancellation.ThrowIfCancellationRequested();
            call = call with { Timesteps = [Solver.Timesteps[index]], Samples = Inputs(runs, index) };
            unconditional = unconditional is null
                ? null
                : unconditional with
                {
                    Timesteps = call.Timesteps,
                    Samples = call.Samples,
                };
            yield return Step(index, runs, images, call, unconditional, cancellation);
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

    private int FirstCallIndex => settings.Start is { } start ? Solver.FirstCall(start.Strength) : 0;

    private SolverRun Start(int image)
    {
        var sample = new float[Contract.SampleShape.Length];
        noise.FillNormal(NoisePurpose.Initial, image, 0, sample);
        if (settings.Start is not { Strength: < 1 } start)
        {
            Scale(sample, Solver.InitialScale);
            return Solver.Start(sample);
        }

        Noise(sample, start.Latents, Solver.LevelAt(FirstCallIndex));
        return Solver.Start(sample, FirstCallIndex);
    }

    /// <summary>Makes of ε what the forward process makes of a picture.</summary>
    private static void Noise(Span<float> noise, ReadOnlySpan<float> latents, NoiseLevel level)
    {
        for (var i = 0; i < noise.Length; i++)
        {
            noise[i] = (float)((level.Alpha * latents[i]) + (level.Sigma * noise[i]));
        }
    }

    /// <summary>Puts what stays of a picture back, noised to where the sample is.</summary>
    private void KeepUnmasked(SolverRun run, int image)
    {
        if (settings.Start is not { Mask: { } mask } start)
        {
            return;
        }

        var kept = new float[run.Sample.Length];
        noise.FillNormal(NoisePurpose.Initial, image, 0, kept);
        Noise(kept, start.Latents, run.Call < Solver.Timesteps.Count ? Solver.LevelAt(run.Call) : new(1, 0));
        for (var i = 0; i < kept.Length; i++)
        {
            var share = mask[i % mask.Length];
            run.Sample[i] = (share * run.Sample[i]) + ((1 - share) * kept[i]);
        }
    }

    private float[] Inputs(SolverRun[] runs, int index)
    {
        var size = Contract.SampleShape.Length;
        var inputs = new float[runs.Length * size];
        for (var i = 0; i < runs.Length; i++)
        {
            runs[i].Sample.CopyTo(inputs, i * size);
        }

        Scale(inputs, Solver.InputScale(index));
        return inputs;
    }

    private static void Scale(Span<float> values, double factor)
    {
        if (factor != 1)
        {
            foreach (ref var value in values)
            {
                value = (float)(factor * value);
            }
        }
    }

    private DenoiserCall FirstCall(IReadOnlyList<int> images) =>
        new()
        {
            Count = images.Count,
            Samples = [],
            Timesteps = [Solver.Timesteps[0]],
            ClassLabels = Contract.ClassLabel is null ? null : [.. images.Select(LabelOf)],
            Conditioning = settings.Conditioning.Rows(Contract, images),
        };

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
        int index,
        SolverRun[] runs,
        IReadOnlyList<int> images,
        DenoiserCall call,
        DenoiserCall? unconditional,
        CancellationToken cancellation
    )
    {
        var (conditionalOutput, unconditionalOutput) = Predict(call, unconditional, cancellation);
        CheckFinite(conditionalOutput, call.Timesteps[0]);
        var output = unconditionalOutput is null
            ? conditionalOutput
            : Guidance.Combine(
                conditionalOutput,
                unconditionalOutput,
                images.Count,
                Contract.SampleShape.Length,
                settings.GuidanceScale,
                settings.GuidanceRescale
            );

        var size = Contract.SampleShape.Length;
        var outputSize = output.Length / images.Count;
        var clean = new float[images.Count * size];
        var next = new float[images.Count * size];
        var added = Solver.AddsNoise(index) ? new float[size] : [];
        for (var i = 0; i < images.Count; i++)
        {
            if (added.Length > 0)
            {
                noise.FillNormal(NoisePurpose.Step, images[i], index, added);
            }

            runs[i].Step(output.AsSpan(i * outputSize, outputSize), added, clean.AsSpan(i * size, size));
            KeepUnmasked(runs[i], images[i]);
            runs[i].Sample.CopyTo(next, i * size);
        }

        return new()
        {
            Index = index,
            StepCount = Solver.Timesteps.Count,
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

    /// <summary>Both calls of guidance in one where the graph was made for that, or few images leave room; else one by one.</summary>
    private (float[] Conditional, float[]? Unconditional) Predict(
        DenoiserCall call,
        DenoiserCall? unconditional,
        CancellationToken cancellation
    )
    {
        const int FewImages = 4;
        var suits = Contract.FixedBatch is { } batch ? batch == 2 * call.Count : call.Count <= FewImages;
        if (
            unconditional is null
            || !joinsGuidance
            || !suits
            || DenoiserCall.TryJoin(Contract, call, unconditional) is not { } both
        )
        {
            return (
                denoiser.Predict(call, cancellation),
                unconditional is null ? null : denoiser.Predict(unconditional, cancellation)
            );
        }

        var outputs = denoiser.Predict(both, cancellation);
        return (outputs[..(outputs.Length / 2)], outputs[(outputs.Length / 2)..]);
    }

    private static TrajectorySettings Complete(DenoiserContract contract, TrajectorySettings settings) =>
        settings with
        {
            Conditioning = settings.Conditioning.Completed(contract, settings.GuidanceScale),
        };

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

    private static void Check(DenoiserContract contract, Solver solver, TrajectorySettings settings)
    {
        if (contract.TimestepRows is { } rows && solver.Timesteps[0] >= rows)
        {
            throw DiffusionErrors.BadTimesteps(
                $"timestep {TimestepText.Of(solver.Timesteps[0])} is not in the model's learned table of {rows}"
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

        if (!(settings.GuidanceRescale is >= 0 and <= 1))
        {
            throw DiffusionErrors.BadSettings(
                "guidance rescale",
                settings.GuidanceRescale.ToString(CultureInfo.InvariantCulture),
                "a number from 0 to 1 is expected"
            );
        }

        settings.Start?.Check(contract);
        if (solver.NeedsVariance && !contract.PredictsVariance)
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

        settings.Conditioning.Check(contract, withUnconditional: IsGuided(contract, settings));
    }
}
