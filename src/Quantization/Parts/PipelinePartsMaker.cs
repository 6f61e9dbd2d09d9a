using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Parts;

/// <summary>Writes a pipeline's other parts in the forms that the recipe asks for.</summary>
/// <param name="state">The model, its recipe and trajectory.</param>
/// <param name="context">Device, progress, cancellation.</param>
internal sealed class PipelinePartsMaker(QuantizationState state, PassContext context)
{
    private const string TextEncoder = "text_encoder";
    private const string VaeEncoder = "vae_encoder";

    // Prompts and pictures that parts are calibrated on and compared by.
    private const int MostPrompts = 64;
    private const int Pictures = 8;

    private readonly Dictionary<string, List<IReadOnlyDictionary<string, OnnxTensor>>> calls = new(
        StringComparer.Ordinal
    );

    /// <summary>Says what is wrong with the recipe's parts before anything long begins.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1170, DQ1171: a part is not there, or cannot be calibrated.</exception>
    public static void Check(DiffusionModel source, Recipe recipe)
    {
        var networks = Networks(source);
        foreach (var (part, word) in recipe.Parts)
        {
            if (!networks.ContainsKey(part))
            {
                throw PartErrors.NoSuchPart(source.ModelPath, part, networks.Keys);
            }

            if (
                recipe.Prompts is null
                && part.StartsWith(TextEncoder, StringComparison.Ordinal)
                && PartForm.Parse(part, word).Bits is { QuantizesActivations: true }
            )
            {
                throw PartErrors.NeedsPrompts(source.ModelPath, part, word);
            }
        }
    }

    /// <summary>Makes the parts.</summary>
    /// <param name="folder">The artifact's folder.</param>
    public IReadOnlyList<PipelinePartReport> Make(string folder)
    {
        if (state.Recipe.Parts.Count == 0)
        {
            return [];
        }

        var networks = Networks(state.Source);
        Record();
        return
        [
            .. state.Recipe.Parts.Select(p => Make(folder, p.Key, PartForm.Parse(p.Key, p.Value), networks[p.Key])),
        ];
    }

    private static IReadOnlyDictionary<string, string> Networks(DiffusionModel source) =>
        source.Layout?.FindOtherNetworks() ?? new Dictionary<string, string>();

    private PipelinePartReport Make(string folder, string part, PartForm form, string path)
    {
        context.Progress(0, part);
        var source = OnnxModel.Load(path);
        var given = calls.GetValueOrDefault(part) ?? [];
        var (made, layers) =
            form == PartForm.Half ? (FloatPrecision.StoreHalf(source), 0)
            : form == PartForm.Single ? (FloatPrecision.ToFloat32(source), 0)
            : new PartQuantizer(
                new(form.Bits!.Value)
                {
                    Policy = state.Recipe.Policy,
                    SoftmaxBits = state.Recipe.SoftmaxBits,
                    Threads = state.Recipe.Threads,
                },
                context
            ).Run(path, source, given);
        var target = Path.Combine(folder, part, ModelLayout.ModelFile);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        made.Save(target);
        return new(
            part,
            form.Word,
            source.DataFiles.Prepend(path).Sum(f => new FileInfo(f).Length),
            Directory.GetFiles(Path.GetDirectoryName(target)!).Sum(f => new FileInfo(f).Length),
            layers,
            Compare(path, target, source, given)
        );
    }

    /// <summary>The least SQNR of the outputs that have numbers.</summary>
    private double? Compare(
        string path,
        string target,
        OnnxModel source,
        List<IReadOnlyDictionary<string, OnnxTensor>> given
    )
    {
        // Loaded even where there is nothing to compare: a file that does not load is none.
        using var quantized = ModelSession.Load(target, context.Session);
        if (given.Count == 0)
        {
            return null;
        }

        using var exact = ModelSession.Load(path, context.Session);
        string[] outputs = [.. source.Graph.Outputs.Select(o => o.Name)];
        var (signal, noise) = (new double[outputs.Length], new double[outputs.Length]);
        foreach (var call in given)
        {
            float[][] expected = [];
            PartRun.With(
                exact,
                call,
                outputs,
                set => expected = [.. outputs.Select(o => Tensors.ToFloats(set[o]))],
                context.Cancellation
            );
            PartRun.With(
                quantized,
                call,
                outputs,
                set =>
                {
                    for (var i = 0; i < outputs.Length; i++)
                    {
                        var (s, n) = SignalToNoise.Powers(expected[i], Tensors.ToFloats(set[outputs[i]]));
                        (signal[i], noise[i]) = (signal[i] + s, noise[i] + n);
                    }
                },
                context.Cancellation
            );
        }

        var least = Enumerable.Range(0, outputs.Length).Min(i => SignalToNoise.Decibels(signal[i], noise[i]));
        return double.IsFinite(least) ? Math.Round(least, 2) : throw PartErrors.NotFinite(target);
    }

    /// <summary>Runs the float pipeline and keeps what its parts are given.</summary>
    private void Record()
    {
        var recipe = state.Recipe;
        if (
            recipe.Prompts is { } file
            && recipe.Parts.Keys.Any(p => p.StartsWith(TextEncoder, StringComparison.Ordinal))
        )
        {
            using var encoder = PromptEncoder.Of(state.Source, new() { Session = context.Session, PartCalled = Keep });
            encoder.Encode([.. PromptFile.Read(file).Take(MostPrompts)], cancellation: context.Cancellation);
        }

        if (recipe.Parts.Keys.All(p => p.StartsWith(TextEncoder, StringComparison.Ordinal)))
        {
            return;
        }

        using var pipeline = DiffusionPipeline.Load(
            state.Source,
            new PipelineOptions { Session = context.Session, PartCalled = Keep }
        );
        if (!pipeline.MakesImages)
        {
            return;
        }

        var trajectory = new Trajectory(pipeline.Denoiser, pipeline.Schedule, state.Trajectory);
        var batch = state.Source.Contract.FixedBatch ?? Pictures;
        DenoisingStep? last = null;
        foreach (var step in trajectory.Steps([.. Enumerable.Range(0, batch)], context.Cancellation))
        {
            last = step;
        }

        var pictures = pipeline.Decode(last!, context.Cancellation);
        foreach (var picture in recipe.Parts.ContainsKey(VaeEncoder) ? pictures : [])
        {
            pipeline.Encode(picture, context.Cancellation);
        }
    }

    private void Keep(PartCall call)
    {
        if (!calls.TryGetValue(call.Part, out var known))
        {
            calls[call.Part] = known = [];
        }

        known.Add(call.Inputs);
    }
}
