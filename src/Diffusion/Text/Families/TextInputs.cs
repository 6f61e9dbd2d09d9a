using System.Globalization;

namespace DiffusionQuant.Diffusion;

/// <summary>The inputs of a denoiser that a prompt decides, or its picture's size, which pipelines give beside it.</summary>
internal sealed record TextInputs
{
    public required DenoiserContract Contract { get; init; }

    /// <summary>Hidden states: N,S,D.</summary>
    public DenoiserInput? States { get; private init; }

    /// <summary>A vector of the whole text: N,D.</summary>
    public DenoiserInput? Pooled { get; private init; }

    /// <summary>Which tokens count: N,S.</summary>
    public DenoiserInput? Mask { get; private init; }

    /// <summary>SDXL's sizes: N,6 or N,5.</summary>
    public DenoiserInput? TimeIds { get; private init; }

    /// <summary>Places of text tokens: S,3 or N,S,3.</summary>
    public DenoiserInput? TextPositions { get; private init; }

    /// <summary>PixArt-α's height and width: N,2.</summary>
    public DenoiserInput? Resolution { get; private init; }

    /// <summary>PixArt-α's height by width: N,1.</summary>
    public DenoiserInput? AspectRatio { get; private init; }

    /// <summary>Whether a prompt decides anything.</summary>
    public bool TakeText => States is not null || Pooled is not null;

    /// <summary>D of the states, where the graph fixes it.</summary>
    public int? StatesWidth => Size(States, 2);

    /// <summary>S of the states, where the graph fixes it.</summary>
    public int? StatesLength => Size(States, 1) ?? Size(Mask, (Mask?.Shape?.Rank ?? 0) - 1);

    /// <summary>D of the vector, where the graph fixes it.</summary>
    public int? PooledWidth => Size(Pooled, 1);

    /// <summary>Finds them.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1065: there are two of one kind.</exception>
    public static TextInputs Of(DenoiserContract contract)
    {
        DenoiserInput[] all = [.. contract.Conditioning];
        bool Named(DenoiserInput input, string part) =>
            RoleDetector.Normalise(input.Name).Contains(part, StringComparison.Ordinal);
        DenoiserInput? Only(DenoiserRole role)
        {
            DenoiserInput[] found =
            [
                .. all.Where(i => i.Role == role && !Named(i, "resolution") && !Named(i, "aspectratio")),
            ];
            return found.Length > 1
                ? throw DiffusionErrors.EncodersDoNotFit(
                    contract.Path,
                    $"it takes {string.Join(" and ", (IEnumerable<DenoiserInput>)found)}, and of which encoder each is is not known",
                    "no rules for such a model"
                )
                : found.FirstOrDefault();
        }

        return new()
        {
            Contract = contract,
            States = Only(DenoiserRole.TextStates),
            Pooled = Only(DenoiserRole.PooledText),
            // One of four dimensions is a picture's, for inpainting.
            Mask = all.FirstOrDefault(i => i.Role == DenoiserRole.Mask && i.Shape is null or { Rank: 2 or 3 }),
            TimeIds = all.FirstOrDefault(i => i.Role == DenoiserRole.TimeIds),
            TextPositions = all.FirstOrDefault(i =>
                i.Role == DenoiserRole.PositionIds && (Named(i, "txt") || Named(i, "text"))
            ),
            Resolution = Array.Find(all, i => Named(i, "resolution")),
            AspectRatio = Array.Find(all, i => Named(i, "aspectratio")),
        };
    }

    /// <summary>A failure that names the encoders there are.</summary>
    public Onnx.Diagnostics.DiffusionQuantException Unfit(string why, IReadOnlyList<TextEncoder> encoders) =>
        DiffusionErrors.EncodersDoNotFit(Contract.Path, why, string.Join(", ", encoders));

    public static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static int? Size(DenoiserInput? input, int axis) =>
        (int?)(input?.Shape is { } shape && axis >= 0 && axis < shape.Rank ? shape[axis].Value : null);
}
