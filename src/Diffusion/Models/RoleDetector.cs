using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>
/// Tells the roles of a graph's inputs from names, types, shapes and structure together: every sign adds to a score, and
/// no single exporter's names decide.
/// </summary>
internal sealed class RoleDetector
{
    // A rank of 0 or 1 alone (3) is no proof of a timestep; with a fitting name (4) or an embedding behind it (3 or 4) it is.
    private const int LeastTimestepScore = 5;
    private const int LeastSampleScore = 5;

    private static readonly HashSet<string> SampleNames =
    [
        "sample",
        "latent",
        "latents",
        "latentsample",
        "x",
        "xt",
        "zt",
        "z",
        "hiddenstates",
        "input",
        "image",
        "img",
        "noisysample",
        "noisylatents",
        "noisy",
        "noise",
        "data",
    ];
    private static readonly HashSet<string> TimestepNames =
    [
        "timestep",
        "timesteps",
        "t",
        "ts",
        "time",
        "times",
        "step",
        "sigma",
        "noiselevel",
        "timestepratio",
        "logsnr",
        "tstep",
        "diffusionstep",
        "noisestep",
        "noise",
    ];
    private static readonly HashSet<string> ClassNames =
    [
        "classlabels",
        "classlabel",
        "classes",
        "class",
        "labels",
        "label",
        "y",
        "cond",
        "cls",
        "classid",
        "classids",
    ];

    private readonly OnnxGraph graph;
    private readonly Dictionary<string, InputTrace> traces;
    private readonly int? trainTimesteps;

    public RoleDetector(OnnxGraph graph, int? trainTimesteps)
    {
        this.graph = graph;
        this.trainTimesteps = trainTimesteps;
        var index = new GraphIndex(graph);
        traces = graph.Inputs.ToDictionary(i => i.Name, i => InputTrace.Of(index, i.Name), StringComparer.Ordinal);
    }

    public InputTrace Trace(string input) => traces[input];

    /// <summary>The input that is most like a sample of the output, or null; ties go to the first.</summary>
    public ValueInfo? FindSample(IEnumerable<ValueInfo> candidates, ValueInfo output) =>
        Best(candidates, i => SampleScore(i, output), LeastSampleScore, out _);

    /// <summary>The input that is most like a timestep, or null; <paramref name="rival"/> is another as much like one.</summary>
    public ValueInfo? FindTimestep(IEnumerable<ValueInfo> candidates, out ValueInfo? rival) =>
        Best(candidates, TimestepScore, LeastTimestepScore, out rival);

    /// <summary>The role of an input that is neither sample nor timestep.</summary>
    public DenoiserRole OtherRole(ValueInfo input)
    {
        var name = Normalise(input.Name);
        var rank = input.Shape?.Rank;
        var last = rank > 0 ? input.Shape![^1].Value : null;
        var isFloat = input.ElementType.IsFloatingPoint();
        bool Named(params ReadOnlySpan<string> parts)
        {
            foreach (var part in parts)
            {
                if (name.Contains(part, StringComparison.Ordinal))
                {
                    return true;
                }
            }

            return false;
        }

        return name switch
        {
            _ when Named("mask") || input.ElementType == ElementType.Bool => DenoiserRole.Mask,
            _ when Named("residual") => DenoiserRole.ControlResidual,
            _ when Named("guidance") && rank is null or <= 1 => DenoiserRole.Guidance,
            _ when Named("timestepcond") || (isFloat && rank == 2 && last == 256 && Named("cond")) =>
                DenoiserRole.TimestepCondition,
            _ when Named("timeids") || (isFloat && rank == 2 && last is 5 or 6) => DenoiserRole.TimeIds,
            _ when Named("imgids", "txtids", "positionids") => DenoiserRole.PositionIds,
            _ when !isFloat
                    && IsColumn(input)
                    && (ClassNames.Contains(name) || Trace(input.Name).TableRows is not null) =>
                DenoiserRole.ClassLabel,
            _ when isFloat && rank == 3 => DenoiserRole.TextStates,
            _ when isFloat && rank == 2 => DenoiserRole.PooledText,
            _ => DenoiserRole.Other,
        };
    }

    /// <summary>Lower case, without separators, known prefixes and a numbering behind a dot.</summary>
    internal static string Normalise(string name)
    {
        var result = name.ToLowerInvariant();
        var dot = result.LastIndexOf('.');
        if (dot > 0 && result[(dot + 1)..].All(char.IsAsciiDigit))
        {
            result = result[..dot];
        }

        const string AddedKeywords = "added_cond_kwargs.";
        result = result.StartsWith(AddedKeywords, StringComparison.Ordinal) ? result[AddedKeywords.Length..] : result;
        const string InputPrefix = "input_";
        result = result.StartsWith(InputPrefix, StringComparison.Ordinal) ? result[InputPrefix.Length..] : result;
        return string.Concat(result.Where(char.IsAsciiLetterOrDigit));
    }

    private int SampleScore(ValueInfo input, ValueInfo output)
    {
        if (!input.ElementType.IsFloatingPoint() || input.Shape is { Rank: < 3 })
        {
            return 0;
        }

        var score = input.Shape?.Rank == 4 ? 2 : 0;
        score += SampleNames.Contains(Normalise(input.Name)) ? 3 : 0;
        score += Trace(input.Name).ConvolutionChannels is not null ? 2 : 0;
        if (input.Shape is { } shape && output.Shape is { } result)
        {
            score += shape.Rank == result.Rank ? MatchScore(shape, result) : -10;
        }

        return score;
    }

    /// <summary>How well the shapes of sample and output agree; the channels may be twice as many.</summary>
    private static int MatchScore(TensorShape sample, TensorShape output)
    {
        var score = 0;
        for (var i = 0; i < sample.Rank; i++)
        {
            var (a, b) = (sample[i], output[i]);
            var doubled = i == 1 && a.Value * 2 == b.Value;
            score +=
                (a.IsKnown && b.IsKnown)
                    ? (
                        a.Value == b.Value || doubled ? 2
                        : i == 1 ? -2
                        : -10
                    )
                : a.Symbol is not null && a.Symbol == b.Symbol ? 2
                : 0;
        }

        return score;
    }

    private int TimestepScore(ValueInfo input)
    {
        if (!IsColumn(input) || input.ElementType is ElementType.Bool or ElementType.String)
        {
            return 0;
        }

        var name = Normalise(input.Name);
        var trace = Trace(input.Name);
        var score =
            input.Shape is null ? 0
            : input.Shape.Rank <= 1 ? 3
            : 2;
        score +=
            TimestepNames.Contains(name) ? 4
            : name.Contains("time", StringComparison.Ordinal) ? 2
            : 0;
        score +=
            trace.ReachesSinAndCos ? 4
            : trace.TableRows is not null ? 3
            : 0;
        score += trace.TableRows is { } rows && rows == trainTimesteps ? 3 : 0;
        score += trace.TableRows is { } most && !traces.Values.Any(t => t.TableRows > most) ? 1 : 0;
        score -=
            ClassNames.Contains(name)
            || name.Contains("guidance", StringComparison.Ordinal)
            || name.Contains("scale", StringComparison.Ordinal)
                ? 4
                : 0;
        return score;
    }

    /// <summary>Whether it is one number, or one number for each sample: [], [N] or [N,1].</summary>
    private static bool IsColumn(ValueInfo input) =>
        input.Shape is null or { Rank: <= 1 } || (input.Shape.Rank == 2 && input.Shape[1].Value == 1);

    private static ValueInfo? Best(
        IEnumerable<ValueInfo> candidates,
        Func<ValueInfo, int> scoreOf,
        int least,
        out ValueInfo? rival
    )
    {
        var ranked = candidates
            .Select(i => (Input: i, Score: scoreOf(i)))
            .Where(c => c.Score >= least)
            .OrderByDescending(c => c.Score)
            .ToList();
        rival = ranked.Count > 1 && ranked[1].Score == ranked[0].Score ? ranked[1].Input : null;
        return ranked.Count > 0 ? ranked[0].Input : null;
    }
}
