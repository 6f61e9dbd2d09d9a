using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Datasets;
using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Training;

/// <summary>
/// Images with noise at timesteps drawn evenly, x_t = √ᾱ_t·x0 + √(1 − ᾱ_t)·ε, as DDPM is trained; what the network should give
/// is what the float network gives for it, what the noise says, or something between. What a batch holds depends on seed and
/// number alone.
/// </summary>
internal sealed class TeacherImages : ITeacher
{
    /// <summary>How often a sample's class is left out, so that guidance has something to go by (Ho and Salimans 2022).</summary>
    private const int DropOneIn = 10;

    private readonly TrainingImages images;
    private readonly NoisePredictionTarget target;
    private readonly float mimicked;
    private readonly ModelSession? session;
    private readonly OnnxDenoiser? denoiser;
    private readonly DenoiserContract contract;
    private readonly NoiseSource noise;
    private readonly ConditioningSet conditioning;
    private readonly int batch;

    /// <summary>Loads the float network, where it is mimicked.</summary>
    /// <param name="state">Graph and recipe.</param>
    /// <param name="images">The images.</param>
    /// <param name="mimicking">How the float network is mimicked; null for the noise alone.</param>
    /// <param name="batch">Images in a batch.</param>
    /// <param name="context">Device and threads.</param>
    /// <exception cref="ArgumentException">The noise alone does not say what the network should give.</exception>
    public TeacherImages(
        QuantizationState state,
        TrainingImages images,
        NoiseEstimatingMimicking? mimicking,
        int batch,
        PassContext context
    )
    {
        this.images = images;
        this.batch = batch;
        contract = state.Source.Contract;
        target = new(state.Source.Schedule);
        // Of both squared errors together the gradient is that of the distance to the targets' weighted mean.
        mimicked =
            mimicking is null ? 0
            : mimicking.Weight is { } weight ? weight / (1 + weight)
            : 1;
        if (mimicked < 1 && (contract.ClassLabel is not null || contract.PredictsVariance))
        {
            throw new ArgumentException(
                "Images tell neither classes nor variances, so the network can only mimic the float network.",
                nameof(mimicking)
            );
        }

        var settings = state.Trajectory;
        noise = new(settings.Seed);
        conditioning = settings.Conditioning;
        if (mimicked > 0)
        {
            session = ModelSession.Load(state.Graph, context.Session);
            denoiser = new(session, contract);
        }
    }

    /// <inheritdoc/>
    public int StepsPerMove => 1;

    /// <inheritdoc/>
    public IEnumerable<TeacherStep> From(int first, CancellationToken cancellation)
    {
        for (var move = first; ; move++)
        {
            yield return Step(move, cancellation);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => session?.Dispose();

    private TeacherStep Step(int move, CancellationToken cancellation)
    {
        var size = images.Shape.Length;
        var samples = new float[batch * size];
        var output = new float[batch * size];
        images.Fill(noise, move, 0, flip: false, samples);
        var timesteps = new double[batch];
        for (var i = 0; i < batch; i++)
        {
            // One timestep for all where the network takes only one.
            timesteps[i] =
                contract.TimestepIsShared && i > 0
                    ? timesteps[0]
                    : noise.Draw(NoisePurpose.Timestep, i, move, target.TrainTimesteps);
            var drawn = output.AsSpan(i * size, size);
            noise.FillNormal(NoisePurpose.Forward, i, move, drawn);
            target.Mix(timesteps[i], samples.AsSpan(i * size, size), drawn);
        }

        int[] places = [.. Enumerable.Range(move * batch, batch)];
        var call = new DenoiserCall
        {
            Count = batch,
            Samples = samples,
            Timesteps = timesteps,
            ClassLabels = contract.ClassLabel is null ? null : Labels(move),
            Conditioning = conditioning.Rows(contract, places),
        };
        if (denoiser is not null)
        {
            var teacher = denoiser.Predict(call, cancellation);
            for (var i = 0; i < output.Length && mimicked < 1; i++)
            {
                teacher[i] = output[i] + (mimicked * (teacher[i] - output[i]));
            }

            output = teacher;
        }

        return new(call, output, null, 0, [.. Enumerable.Repeat(true, batch)]);
    }

    /// <summary>Any class will do to mimic the float network.</summary>
    private int[] Labels(int move) =>
        [
            .. Enumerable
                .Range(0, contract.ClassLabelIsShared ? 1 : batch)
                .Select(i =>
                    contract.NullClass is { } none && noise.Draw(NoisePurpose.Flip, i, move, DropOneIn) == 0
                        ? none
                        : noise.Draw(NoisePurpose.ClassLabel, i, move, contract.ClassCount!.Value)
                ),
        ];
}
