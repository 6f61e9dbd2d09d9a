using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>Makes the contract of a graph: roles first, then sizes.</summary>
internal sealed class ContractReader
{
    private readonly OnnxGraph graph;
    private readonly ModelOptions options;
    private readonly PartConfig? config;
    private readonly RoleDetector detector;
    private readonly string path;

    private ContractReader(OnnxModel model, ModelOptions options, PartConfig? config, int? trainTimesteps)
    {
        graph = model.Graph;
        path = model.Path ?? graph.Name;
        this.options = options;
        this.config = config;
        detector = new(graph, trainTimesteps);
    }

    public static DenoiserContract Read(
        OnnxModel model,
        ModelOptions options,
        PartConfig? config,
        int? trainTimesteps
    ) => new ContractReader(model, options, config, trainTimesteps).Read();

    private DenoiserContract Read()
    {
        CheckGivenRoles();
        if (config?.Refusal is { } refusal && options.InputRoles.Count == 0)
        {
            throw NotADenoiser(refusal);
        }

        if (graph.Outputs.Count == 0)
        {
            throw NotADenoiser("it has no output");
        }

        var output = graph.Outputs[0];
        var sample = Given(DenoiserRole.Sample) ?? detector.FindSample(Free(), output) ?? throw NoSample(output);
        var timestep = Given(DenoiserRole.Timestep) ?? FindTimestep(sample);
        var packing = PackingOf(sample);
        var inputs = graph
            .Inputs.Select(i => new DenoiserInput(
                i.Name,
                i.Name == sample.Name ? DenoiserRole.Sample
                    : i.Name == timestep.Name ? DenoiserRole.Timestep
                    : options.InputRoles.TryGetValue(i.Name, out var role) ? role
                    : detector.OtherRole(i),
                i.ElementType,
                i.Shape
            ))
            .ToArray();
        var (shape, outputChannels, extra) = packing is { } side
            ? PackedSizeOf(sample, output, side)
            : SizeOf(sample, output);
        var labels = inputs.FirstOrDefault(i => i.Role == DenoiserRole.ClassLabel);
        var rows = labels is null ? null : detector.Trace(labels.Name).TableRows;
        // DiT's table has one row more than classes: the null class.
        var nullClass =
            options.NullClass ?? (rows is not null && rows == config?.ClassCount + 1 ? config?.ClassCount : null);
        return new()
        {
            Path = path,
            Inputs = inputs,
            Output = output,
            SampleShape = shape,
            OutputChannels = outputChannels,
            ExtraChannels = extra,
            Packing = packing,
            FixedBatch = (int?)sample.Shape?[0].Value,
            TimestepScale =
                options.TimestepScale
                ?? (IsFloat(timestep) && detector.Trace(timestep.Name).IsMultipliedBy1000 ? 0.001 : 1),
            TimestepRows = detector.Trace(timestep.Name) is { ReachesSinAndCos: false, TableRows: { } timestepRows }
                ? timestepRows
                : null,
            ClassCount = labels is null ? null : options.ClassCount ?? nullClass ?? config?.ClassCount ?? rows,
            NullClass = labels is null ? null : nullClass,
        };
    }

    private static bool IsFloat(ValueInfo value) => value.ElementType.IsFloatingPoint();

    private void CheckGivenRoles()
    {
        foreach (var (name, role) in options.InputRoles)
        {
            if (!graph.Inputs.Exists(i => i.Name == name))
            {
                throw DiffusionErrors.BadRole(path, name, "the graph has no such input", Signature());
            }

            if (
                role is DenoiserRole.Sample or DenoiserRole.Timestep
                && options.InputRoles.Count(r => r.Value == role) > 1
            )
            {
                throw DiffusionErrors.BadRole(path, name, $"there can be only one {role} input", Signature());
            }
        }
    }

    private ValueInfo? Given(DenoiserRole role) =>
        graph.Inputs.Find(i => options.InputRoles.TryGetValue(i.Name, out var given) && given == role);

    private IEnumerable<ValueInfo> Free() => graph.Inputs.Where(i => !options.InputRoles.ContainsKey(i.Name));

    private ValueInfo FindTimestep(ValueInfo sample)
    {
        var found = detector.FindTimestep(Free().Where(i => i.Name != sample.Name), out var rival);
        return found is null
                ? throw NotADenoiser(
                    "no input is a timestep (a number, or one for each sample, that an embedding reads)"
                )
            : rival is not null ? throw NotADenoiser($"both '{found.Name}' and '{rival.Name}' could be the timestep")
            : found;
    }

    private Onnx.Diagnostics.DiffusionQuantException NoSample(ValueInfo output)
    {
        var why =
            output.Shape is { Rank: <= 2 } ? $"its output {output.Name} is no image but {output.Shape}"
            : graph.Inputs.TrueForAll(i => !IsFloat(i))
                ? "it takes no sample, only whole numbers, as a text encoder does"
            : graph.Inputs.Exists(i => IsFloat(i) && i.Shape?.Rank == output.Shape?.Rank)
                ? "no input has its output's shape, which an autoencoder's, but no denoiser's, differs from"
            : "no input has the rank and type of a sample";
        return NotADenoiser(why);
    }

    /// <summary>The side of the squares that tokens stand for; null for images N,C,H,W.</summary>
    private int? PackingOf(ValueInfo sample)
    {
        if (sample.Shape is null or { Rank: 4 })
        {
            return null;
        }

        // Flux packs 2×2 cells, and tells the network where its tokens stand.
        const int Side = 2;
        return sample.Shape.Rank == 3 && graph.Inputs.Exists(i => detector.OtherRole(i) == DenoiserRole.PositionIds)
            ? Side
            : throw NotADenoiser(
                $"its sample '{sample.Name}' has rank {sample.Shape.Rank}; images N,C,H,W and packed tokens with their positions are supported, video is not"
            );
    }

    private (SampleShape Shape, int OutputChannels, int Extra) PackedSizeOf(
        ValueInfo sample,
        ValueInfo output,
        int side
    )
    {
        var dims = sample.Shape!;
        var area = side * side;
        var features = Size(
            sample.Name,
            dims[2],
            "number of features",
            options.Channels * area ?? config?.InChannels,
            "in_channels"
        );
        var outFeatures = (output.Shape is { Rank: 3 } known ? (int?)known[2].Value : null) ?? features;
        if (features % area != 0 || outFeatures != features)
        {
            throw DiffusionErrors.BadOutput(
                path,
                output.Name,
                $"it has {outFeatures} features and the sample {features}; as many are expected, and a multiple of {area}"
            );
        }

        var root = dims[1].Value is { } tokens ? (int)Math.Sqrt(tokens) : (int?)null;
        var size =
            options.SampleSize
            ?? (root is { } r && (long)r * r == dims[1].Value ? (r * side, r * side) : default((int, int)?))
            ?? config?.SampleSize
            ?? throw DiffusionErrors.UnknownSize(path, sample.Name, "height and width", "sample_size", dims[1].Symbol);
        return dims[1].Value is { } count && count * area != (long)size.Height * size.Width
            ? throw DiffusionErrors.BadOutput(
                path,
                sample.Name,
                $"it takes {count} tokens, and {size.Height}×{size.Width} cells make {size.Height * size.Width / area}"
            )
            : (new(features / area, size.Height, size.Width), features / area, 0);
    }

    private (SampleShape Shape, int OutputChannels, int Extra) SizeOf(ValueInfo sample, ValueInfo output)
    {
        var dims = sample.Shape ?? [Dimension.Unknown, Dimension.Unknown, Dimension.Unknown, Dimension.Unknown];
        var outDims = output.Shape is { Rank: 4 } known ? known : dims;
        var channels = Size(
            sample.Name,
            dims[1],
            "number of channels",
            options.Channels ?? config?.InChannels ?? detector.Trace(sample.Name).ConvolutionChannels,
            "in_channels"
        );
        var height = Size(
            sample.Name,
            dims[2],
            "height",
            options.SampleSize?.Height ?? (int?)outDims[2].Value ?? config?.SampleSize?.Height,
            "sample_size"
        );
        var width = Size(
            sample.Name,
            dims[3],
            "width",
            options.SampleSize?.Width ?? (int?)outDims[3].Value ?? config?.SampleSize?.Width,
            "sample_size"
        );
        var outChannels =
            (output.Shape is { Rank: 4 } ? (int?)outDims[1].Value : null) ?? config?.OutChannels ?? channels;
        return outChannels == channels || outChannels == 2 * channels ? (new(channels, height, width), outChannels, 0)
            : outChannels < channels ? (new(outChannels, height, width), outChannels, channels - outChannels)
            : throw DiffusionErrors.BadOutput(
                path,
                output.Name,
                $"it has {outChannels} channels and the sample {channels}; as many, twice as many, or fewer (where the sample takes extra channels) are expected"
            );
    }

    private int Size(string input, Dimension dimension, string meaning, int? elsewhere, string key) =>
        (int?)dimension.Value
        ?? (
            dimension.Symbol is not null && options.Dimensions.TryGetValue(dimension.Symbol, out var size)
                ? (int?)size
                : null
        )
        ?? elsewhere
        ?? throw DiffusionErrors.UnknownSize(path, input, meaning, key, dimension.Symbol);

    private Onnx.Diagnostics.DiffusionQuantException NotADenoiser(string why) =>
        DiffusionErrors.NotADenoiser(path, why, Signature());

    private string Signature() =>
        $"Its inputs are {string.Join(", ", graph.Inputs)}; its outputs {string.Join(", ", graph.Outputs)}";
}
