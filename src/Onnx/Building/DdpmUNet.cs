namespace DiffusionQuant.Onnx.Building;

/// <summary>
/// The DDPM U-Net of Ho et al. 2020 with seeded weights, node for node as PyTorch's exporter writes it. Predicts noise
/// for <c>sample</c> [batch,C,R,R] at the integer <c>timestep</c> [batch].
/// </summary>
public sealed class DdpmUNet
{
    // SiLU of a standard normal value has mean square 0.3557; weights of this gain make it 1 again.
    private const float SiluGain = 1.68f;

    private readonly DdpmUNetSettings settings;
    private readonly GraphBuilder builder;
    private readonly SeededWeights weights;
    private readonly ElementType type;

    // Tracing follows tensors, and `x.float()` of a float32 tensor is the tensor itself: whoever reads x later reads the
    // Cast's output in the exported graph. This maps a value to the Cast that stands for it by now.
    private readonly Dictionary<Value, Value> recast = [];
    private Value? timeSilu;

    private DdpmUNet(DdpmUNetSettings settings)
    {
        this.settings = settings;
        builder = new("main_graph", settings.Opset, settings.NameStyle);
        weights = new(settings.Seed);
        type = settings.HalfPrecision ? ElementType.Float16 : ElementType.Float;
    }

    /// <summary>Builds the network as a model.</summary>
    /// <param name="settings">Its size and form.</param>
    /// <exception cref="ArgumentException">Channels, groups and resolutions do not divide as they must.</exception>
    public static OnnxModel Build(DdpmUNetSettings? settings = null)
    {
        settings ??= new();
        Check(settings);
        var network = new DdpmUNet(settings);
        network.Trace();
        var model = network.builder.Build();
        model.ProducerName = "pytorch";
        model.ProducerVersion = settings.NameStyle == NameStyle.Dynamo ? "2.9.0" : "1.13.0";
        return model;
    }

    private static void Check(DdpmUNetSettings settings)
    {
        if (settings.Channels % 2 != 0 || settings.Channels < 4)
        {
            throw new ArgumentException($"Channels must be even and at least 4, not {settings.Channels}.");
        }

        if (settings.Multipliers.FirstOrDefault(m => settings.Channels * m % settings.Groups != 0) is not 0 and var m)
        {
            throw new ArgumentException(
                $"{settings.Channels * m} channels cannot be split into {settings.Groups} groups."
            );
        }

        if (settings.Resolution % (1 << (settings.Multipliers.Count - 1)) != 0)
        {
            throw new ArgumentException(
                $"Resolution {settings.Resolution} cannot be halved {settings.Multipliers.Count - 1} times."
            );
        }
    }

    private void Trace()
    {
        var (c, r) = (settings.ImageChannels, settings.Resolution);
        var imageType = settings.KeepFloatImages ? ElementType.Float : type;
        var image = builder.Input(settings.SampleName, imageType, "batch", c, r, r);
        var timestep = builder.Input(settings.TimestepName, ElementType.Int64, "batch");
        var sample = imageType == type ? image : builder.Cast(image, type);
        var time = TimeEmbedding(timestep);
        var result = Body(sample, time);
        if (imageType != type)
        {
            result = builder.Cast(result, imageType);
        }

        builder.Output(result, settings.OutputName, imageType, "batch", c, r, r);
    }

    private Value TimeEmbedding(Value timestep)
    {
        var (channels, half) = (settings.Channels, settings.Channels / 2);
        var column = builder.Unsqueeze(builder.Cast(timestep, ElementType.Float), 1);
        var frequencies = Enumerable.Range(0, half).Select(i => (float)Math.Exp(-Math.Log(10000) * i / (half - 1)));
        var angles = column * builder.Constant(OnnxTensor.Of("", frequencies.ToArray(), 1, half));
        var embedding = builder.Concat(1, builder.Op("Sin", angles), builder.Op("Cos", angles));
        if (settings.HalfPrecision)
        {
            embedding = builder.Cast(embedding, type);
        }

        // Sines and cosines have mean square 1/2.
        var first = Linear("time1", embedding, channels, channels * 4, 1.41f);
        return Linear("time2", builder.Silu(first), channels * 4, channels * 4, SiluGain);
    }

    private Value Body(Value sample, Value time)
    {
        var (channels, resolution) = (settings.Channels, settings.Resolution);
        var h = Conv("conv_in", sample, settings.ImageChannels, channels, 3);
        var skips = new Stack<(Value Value, int Channels)>();
        skips.Push((h, channels));
        var stage = 0;
        for (var level = 0; level < settings.Multipliers.Count; level++)
        {
            var wide = settings.Channels * settings.Multipliers[level];
            for (var block = 0; block < settings.Blocks; block++, channels = wide)
            {
                h = Stage($"down.{stage++}", h, time, channels, wide, resolution);
                skips.Push((h, wide));
            }

            if (level < settings.Multipliers.Count - 1)
            {
                h = Conv($"down.{stage++}.0", h, channels, channels, 3, strides: 2);
                skips.Push((h, channels));
                resolution /= 2;
            }
        }

        h = Residual("mid1", h, time, channels, channels);
        h = Attention("mid_attention", h, channels);
        h = Residual("mid2", h, time, channels, channels);
        stage = 0;
        for (var level = settings.Multipliers.Count - 1; level >= 0; level--)
        {
            var wide = settings.Channels * settings.Multipliers[level];
            for (var block = 0; block <= settings.Blocks; block++, channels = wide)
            {
                var skip = skips.Pop();
                h = builder.Concat(1, Latest(h), Latest(skip.Value));
                h = Stage($"up.{stage++}", h, time, channels + skip.Channels, wide, resolution);
            }

            if (level > 0)
            {
                h = Upsample($"up.{stage++}", h, channels);
                resolution *= 2;
            }
        }

        if (!settings.HalfPrecision)
        {
            h = builder.Cast(Latest(h), ElementType.Float);
        }

        var last = builder.Silu(GroupNorm("norm_out", h, channels));
        return Conv("conv_out", last, channels, settings.ImageChannels, 3, SiluGain);
    }

    private Value Stage(string name, Value x, Value time, int channels, int wide, int resolution)
    {
        var h = Residual($"{name}.0", x, time, channels, wide);
        return settings.AttentionResolutions.Contains(resolution) ? Attention($"{name}.1", h, wide) : h;
    }

    private Value Upsample(string name, Value x, int channels)
    {
        Value large;
        using (builder.Scope($"{name}.0"))
        {
            large = builder.UpsampleNearest(Latest(x));
        }

        return Conv($"{name}.1", large, channels, channels, 3);
    }

    private Value Residual(string name, Value x, Value time, int channels, int wide)
    {
        using var scope = builder.Scope(name);
        var h = builder.Silu(GroupNorm("norm1", x, channels, name));
        h = Conv("conv1", h, channels, wide, 3, SiluGain, parent: name);

        // One SiLU of the time embedding serves all blocks: the exporter merges equal nodes.
        timeSilu ??= builder.Silu(time);
        var shift = Linear("time", timeSilu, settings.Channels * 4, wide, SiluGain, parent: name);
        h += builder.Unsqueeze(builder.Unsqueeze(shift, 2), 3);
        h = builder.Silu(GroupNorm("norm2", h, wide, name));

        // Half of the gain on the residual branch keeps sums over many blocks in range.
        h = Conv("conv2", h, wide, wide, 3, SiluGain / 2, parent: name);
        var shortcut = channels == wide ? Latest(x) : Conv("skip", x, channels, wide, 1, parent: name);
        return shortcut + h;
    }

    private Value Attention(string name, Value x, int channels)
    {
        using var scope = builder.Scope(name);
        var sizes = Enumerable.Range(0, 4).Select(axis => builder.Size(x, axis)).ToArray();
        var normalized = GroupNorm("norm", x, channels, name);
        var q = Conv("q", normalized, channels, channels, 1, parent: name);
        var pixels = sizes[2] * sizes[3];
        var shapes = Enumerable.Range(0, 3).Select(_ => ShapeOf(sizes[0], sizes[1], pixels)).ToArray();
        q = builder.Transpose(builder.Reshape(q, shapes[0]), 0, 2, 1);
        var k = builder.Reshape(Conv("k", normalized, channels, channels, 1, parent: name), shapes[1]);
        var v = builder.Reshape(Conv("v", normalized, channels, channels, 1, parent: name), shapes[2]);
        var scores = builder.MatMul(q, k);
        var scale = builder.Op("Pow", builder.Cast(sizes[1], type), builder.Scalar(-0.5f, type));
        var probabilities = builder.Softmax(scores * scale);
        var mixed = builder.MatMul(v, builder.Transpose(probabilities, 0, 2, 1));
        var image = builder.Reshape(mixed, ShapeOf(sizes));
        var result = Conv("out", image, channels, channels, 1, parent: name);
        return Latest(x) + result;
    }

    private Value ShapeOf(params IEnumerable<Value> sizes) =>
        builder.Concat(0, sizes.Select(s => builder.Unsqueeze(s, 0)).ToArray());

    private Value GroupNorm(string module, Value x, int channels, string? parent = null)
    {
        using var scope = builder.Scope(module);
        var cast = builder.Cast(Latest(x), ElementType.Float);
        if (!settings.HalfPrecision)
        {
            recast[x] = cast;
        }

        if (channels % settings.Groups != 0)
        {
            throw new ArgumentException(
                $"{channels} channels of {parent}.{module} cannot be split into {settings.Groups} groups."
            );
        }

        var gamma = weights.Around(1, 0.2f, [channels, 1, 1]);
        var beta = weights.Around(0, 0.2f, [channels, 1, 1]);
        return builder.Cast(builder.GroupNorm(cast, settings.Groups, gamma, beta), type);
    }

    private Value Conv(
        string module,
        Value x,
        int channels,
        int wide,
        int kernel,
        float gain = 1,
        int strides = 1,
        string? parent = null
    )
    {
        using var scope = builder.Scope(module);
        var path = parent is null ? module : $"{parent}.{module}";
        var weight = builder.Parameter($"{path}.weight", weights.Kaiming([wide, channels, kernel, kernel], gain, type));
        var bias = builder.Parameter($"{path}.bias", weights.Around(0, 0.1f, [wide], type));
        return builder.Conv(Latest(x), weight, bias, pads: kernel / 2, strides: strides);
    }

    private Value Linear(string module, Value x, int channels, int wide, float gain, string? parent = null)
    {
        using var scope = builder.Scope(module);
        var path = parent is null ? module : $"{parent}.{module}";
        var weight = builder.Parameter($"{path}.weight", weights.Kaiming([wide, channels], gain, type));
        var bias = builder.Parameter($"{path}.bias", weights.Around(0, 0.1f, [wide], type));
        return builder.Linear(x, weight, bias);
    }

    private Value Latest(Value x) => recast.GetValueOrDefault(x, x);
}
