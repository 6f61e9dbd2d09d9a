using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>How a denoiser is called: its inputs by role, with names, types and shapes as in the file, and its output.</summary>
public sealed record DenoiserContract
{
    /// <summary>The model's file, for messages.</summary>
    public required string Path { get; init; }

    /// <summary>All inputs, in the file's order.</summary>
    public required IReadOnlyList<DenoiserInput> Inputs { get; init; }

    /// <summary>The predicted noise (velocity, clean sample): N,C,H,W, or N,2C,H,W with a variance.</summary>
    public required ValueInfo Output { get; init; }

    /// <summary>C, H and W of a sample, from the graph, config.json or the options.</summary>
    public required SampleShape SampleShape { get; init; }

    /// <summary>How many channels the graph takes behind the sample's own; 0 for most.</summary>
    public int ExtraChannels { get; init; }

    /// <summary>The side of the squares of cells that the graph takes as one token each, N,(H/p)·(W/p),p·p·C; null where it
    /// takes N,C,H,W.</summary>
    public int? Packing { get; init; }

    /// <summary>Channels of the output: C, or 2·C where a variance is predicted too.</summary>
    public required int OutputChannels { get; init; }

    /// <summary>The graph's fixed batch size, or null when it takes any.</summary>
    public int? FixedBatch { get; init; }

    /// <summary>What timesteps are multiplied by before they are fed: 1, or 1/1000 for graphs that multiply by 1000.</summary>
    public double TimestepScale { get; init; } = 1;

    /// <summary>Rows of the learned table that timesteps index, or null for a sinusoidal embedding.</summary>
    public int? TimestepRows { get; init; }

    /// <summary>How many classes there are to draw from, the null class not counted; null when not known or without a class input.</summary>
    public int? ClassCount { get; init; }

    /// <summary>The label that stands for "no class" in classifier-free guidance; null when there is none.</summary>
    public int? NullClass { get; init; }

    /// <summary>x_t.</summary>
    public DenoiserInput Sample => Inputs.First(i => i.Role == DenoiserRole.Sample);

    /// <summary>The timestep.</summary>
    public DenoiserInput Timestep => Inputs.First(i => i.Role == DenoiserRole.Timestep);

    /// <summary>The class label, where the model has one.</summary>
    public DenoiserInput? ClassLabel => Inputs.FirstOrDefault(i => i.Role == DenoiserRole.ClassLabel);

    /// <summary>Inputs other than sample, timestep and class label, and the sample's extra channels: they must be supplied, or
    /// follow from others (<see cref="ConditioningSet.Completed"/>).</summary>
    public IEnumerable<DenoiserInput> Conditioning =>
        Inputs
            .Where(i => i.Role is not (DenoiserRole.Sample or DenoiserRole.Timestep or DenoiserRole.ClassLabel))
            .Concat(Extra is { } extra ? [extra] : []);

    /// <summary>The sample's extra channels, as if they were an input of their own, named like the sample's with
    /// <c>_extra</c> behind; null for none.</summary>
    public DenoiserInput? Extra =>
        ExtraChannels == 0
            ? null
            : new(
                $"{Sample.Name}_extra",
                DenoiserRole.ExtraChannels,
                Sample.ElementType,
                [Sample.Shape?[0] ?? Dimension.Unknown, ExtraChannels, SampleShape.Height, SampleShape.Width]
            );

    /// <summary>Whether the network was distilled with guidance, whose scale it takes as an input.</summary>
    public bool TakesGuidance => Inputs.Any(i => i.Role is DenoiserRole.Guidance or DenoiserRole.TimestepCondition);

    /// <summary>Whether the graph takes samples of one height and width alone.</summary>
    public bool FixesSize =>
        Sample.Shape switch
        {
            { Rank: 4 } shape => shape[2].Value is not null || shape[3].Value is not null,
            { Rank: 3 } shape => shape[1].Value is not null,
            _ => false,
        };

    /// <summary>Whether the output holds a variance behind the prediction.</summary>
    public bool PredictsVariance => OutputChannels == 2 * SampleShape.Channels;

    /// <summary>Whether one timestep is fed for all samples of a run, rather than one for each.</summary>
    public bool TimestepIsShared => IsShared(Timestep);

    /// <summary>Whether one class label is fed for all samples of a run, rather than one for each.</summary>
    public bool ClassLabelIsShared => ClassLabel is { } label && IsShared(label);

    /// <summary>
    /// The number that the graph is fed for a timestep: times <see cref="TimestepScale"/>, in the input's precision; inputs of
    /// an integer type get it truncated toward zero, as diffusers and Optimum do.
    /// </summary>
    /// <param name="timestep">The timestep, whole or not.</param>
    public double Fed(double timestep)
    {
        var (type, scaled) = (Timestep.ElementType, timestep * TimestepScale);
        return type.IsFloatingPoint()
            ? FloatTensors.Of("", type, [(float)scaled], 1).ToFloats().Span[0]
            : Math.Truncate(scaled);
    }

    /// <summary>Recognises the roles of a graph's inputs.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">Roles and sizes that the user gives.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1042 to DQ1044, DQ1057: it is no denoiser, a given role does not
    /// fit, a size is not known, or the output does not fit the sample.</exception>
    public static DenoiserContract Of(OnnxModel model, ModelOptions? options = null) =>
        ContractReader.Read(model, options ?? ModelOptions.Default, config: null, trainTimesteps: null);

    private static bool IsShared(DenoiserInput input) =>
        input.Shape is { } shape && (shape.Rank == 0 || shape[0].Value == 1);
}
