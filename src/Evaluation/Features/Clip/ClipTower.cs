using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Evaluation.Features.Clip;

/// <summary>One of the two networks of a CLIP model: the text's or the pictures'.</summary>
/// <param name="Path">Its file.</param>
/// <param name="Inputs">What it takes, that of the content first.</param>
/// <param name="Output">The projected embedding.</param>
/// <param name="IsPart">Whether the file takes more than this network does, so that the rest is cut away.</param>
/// <param name="Signature">Inputs and outputs of the file, for messages.</param>
internal sealed record ClipTower(
    string Path,
    IReadOnlyList<ValueInfo> Inputs,
    ValueInfo Output,
    bool IsPart,
    string Signature
)
{
    /// <summary>The output with the projected embedding of texts.</summary>
    public const string TextOutput = "text_embeds";

    /// <summary>The output with the projected embedding of pictures.</summary>
    public const string ImageOutput = "image_embeds";

    /// <summary>Token ids N,S or pixels N,3,H,W.</summary>
    public ValueInfo Content => Inputs[0];

    /// <summary>Which tokens count; null where the network does not ask.</summary>
    public ValueInfo? Mask => Inputs.Count > 1 ? Inputs[1] : null;

    /// <summary>Numbers of an embedding; null where the graph does not tell.</summary>
    public int? Width => (int?)(Output.Shape is { Rank: 2 } shape ? shape[1].Value : null);

    /// <summary>The network of texts.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3039: it is none.</exception>
    public static ClipTower OfText(string path, OnnxModel model)
    {
        var inputs = model.Graph.Inputs;
        var ids =
            inputs.Find(i => IsTokens(i) && Named(i, "ids") && !Named(i, "position"))
            ?? throw DoesNotFit(path, model, "no input takes token ids, whole numbers of the shape N,S (input_ids)");
        var mask = inputs.Find(i => IsRow(i) && Named(i, "mask"));
        return Of(path, model, mask is null ? [ids] : [ids, mask], TextOutput);
    }

    /// <summary>The network of pictures.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3039: it is none.</exception>
    public static ClipTower OfImages(string path, OnnxModel model)
    {
        var inputs = model.Graph.Inputs;
        var pixels =
            inputs.Find(i => IsPixels(i) && Named(i, "pixel"))
            ?? inputs.Find(i => IsPixels(i) && i.Shape is not null)
            ?? throw DoesNotFit(
                path,
                model,
                "no input takes pictures, floating point of the shape N,3,H,W (pixel_values)"
            );
        return Of(path, model, [pixels], ImageOutput);
    }

    /// <summary>Loads the network for running.</summary>
    public ModelSession Start(SessionSettings settings)
    {
        if (!IsPart)
        {
            return ModelSession.Load(Path, settings);
        }

        var model = OnnxModel.Load(Path);
        model.InlineFunctions();
        return ModelSession.Load(CutOut(model, Inputs, Output.Name), settings);
    }

    /// <summary>What an error says beside the reason.</summary>
    public Onnx.Diagnostics.DiffusionQuantException DoesNotFit(string why) =>
        ClipErrors.DoesNotFit(Path, why, Signature);

    private static ClipTower Of(string path, OnnxModel model, ValueInfo[] inputs, string name)
    {
        var output =
            model.Graph.Outputs.Find(o => o.Name == name)
            ?? throw DoesNotFit(path, model, $"it has no output '{name}'");
        if (output.Shape is { Rank: not 2 })
        {
            throw DoesNotFit(path, model, $"its output '{name}' has not one row for each text or picture");
        }

        try
        {
            _ = CutOut(model, inputs, name);
        }
        catch (InvalidOperationException e)
        {
            throw DoesNotFit(path, model, $"what '{name}' depends on is not known: {e.Message.TrimEnd('.')}");
        }

        var isPart = model.Graph.Inputs.Exists(i => !inputs.Contains(i));
        return new(path, inputs, output, isPart, SignatureOf(model));
    }

    private static OnnxModel CutOut(OnnxModel model, IReadOnlyList<ValueInfo> inputs, string output)
    {
        var part = new OnnxModel(model.Graph.Cut([.. inputs.Select(i => i.Name)], [output]))
        {
            IrVersion = model.IrVersion,
        };
        foreach (var (domain, version) in model.Opsets)
        {
            part.Opsets[domain] = version;
        }

        return part;
    }

    private static bool IsTokens(ValueInfo input) => IsRow(input) && !Named(input, "mask");

    private static bool IsRow(ValueInfo input) =>
        input.ElementType is ElementType.Int32 or ElementType.Int64 && input.Shape is null or { Rank: 2 };

    private static bool IsPixels(ValueInfo input) =>
        input.ElementType.IsFloatingPoint()
        && (input.Shape is not { } shape || (shape.Rank == 4 && shape[1].Value is null or 3));

    private static bool Named(ValueInfo input, string part) =>
        input.Name.Contains(part, StringComparison.OrdinalIgnoreCase);

    private static Onnx.Diagnostics.DiffusionQuantException DoesNotFit(string path, OnnxModel model, string why) =>
        ClipErrors.DoesNotFit(path, why, SignatureOf(model));

    private static string SignatureOf(OnnxModel model) =>
        $"Its inputs are {string.Join(", ", model.Graph.Inputs)}; its outputs are {string.Join(", ", model.Graph.Outputs)}";
}
