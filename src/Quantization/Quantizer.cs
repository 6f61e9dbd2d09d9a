using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Export;
using DiffusionQuant.Quantization.Methods;
using DiffusionQuant.Quantization.Parts;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Recipes;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization;

/// <summary>Quantizes a diffusion model by a recipe: loads it, runs the method's passes, exports, checks and writes the artifact.</summary>
public static class Quantizer
{
    /// <summary>Counts up whenever the same recipe would give other bytes; part of cache keys.</summary>
    public const int AlgorithmVersion = 6;

    /// <summary>The file name of the quantized graph.</summary>
    public const string ModelFileName = ModelLayout.ModelFile;

    /// <summary>Quantizes a model.</summary>
    /// <param name="request">Model, output folder and recipe.</param>
    /// <param name="progress">Receives stages and fractions; may be null.</param>
    /// <param name="cancellation">Stops the work; files written so far stay in the output folder.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">The model, the recipe or the device does not allow it.</exception>
    public static QuantizationResult Run(
        QuantizationRequest request,
        IProgress<QuantizationProgress>? progress = null,
        CancellationToken cancellation = default
    ) => Run(request, progress, out _, cancellation);

    /// <summary>Copies the files of a pipeline's other parts beside its quantized denoiser; those that are there stay.</summary>
    /// <param name="modelPath">The float model, as in the request.</param>
    /// <param name="folder">The output folder.</param>
    /// <param name="cancellation">Stops between files.</param>
    /// <returns>The copies; none where the denoiser alone was quantized.</returns>
    public static IReadOnlyList<string> CopyOtherParts(
        string modelPath,
        string folder,
        CancellationToken cancellation = default
    ) => ArtifactWriter.CopyOtherParts(ModelLayout.Find(modelPath), folder, cancellation);

    /// <summary>As the public one; also shows what the passes left.</summary>
    internal static QuantizationResult Run(
        QuantizationRequest request,
        IProgress<QuantizationProgress>? progress,
        out QuantizationState state,
        CancellationToken cancellation = default
    ) => Run(request, MethodCatalog.Find(request.Recipe.Method).Passes, progress, out state, cancellation);

    /// <summary>As the public one, with other passes than the method's: what a part of a method is worth.</summary>
    internal static QuantizationResult Run(
        QuantizationRequest request,
        IReadOnlyList<IQuantizationPass> methodPasses,
        IProgress<QuantizationProgress>? progress,
        out QuantizationState state,
        CancellationToken cancellation = default
    )
    {
        var recipe = request.Recipe;
        _ = MethodChoices.TimestepLawOf(recipe);
        using var workers = Workers.Use(recipe.Threads, cancellation);
        var session = new SessionSettings { Device = Device.Parse(recipe.Device), Threads = recipe.Threads };
        progress?.Report(new("load", 0, request.ModelPath));
        var source = DiffusionModel.Load(request.ModelPath, Options(request));
        SourceCheck.Run(source);
        source.CheckDecoder();
        PipelinePartsMaker.Check(source, recipe);

        var cutPrompts = new List<DiffusionQuantException>();
        state = new QuantizationState(source, recipe)
        {
            Trajectory = CalibrationTrajectory.Settings(source, recipe, cutPrompts.Add, cancellation),
        };
        foreach (var cut in cutPrompts)
        {
            progress?.Report(new("load", 0, null) { Warning = cut });
        }

        var memory = new MemoryBudget(request.MemoryBudget, request.WorkFolder);
        var sourceHash = SourceHash.Of(source.ModelPath, source.Model);
        var workFolder = request.WorkFolder is { } folder
            ? WorkFolder(folder, recipe, source, sourceHash, session.Device)
            : null;
        IQuantizationPass[] passes = [.. methodPasses.Where(p => p.Applies(recipe))];
        var hindrance = OutputCheck.Hindrance(state, passes.Any(p => p.SamplesModel(recipe)));
        var stages = new StageProgress(progress, passes);
        try
        {
            foreach (var pass in passes)
            {
                cancellation.ThrowIfCancellationRequested();
                state = pass.Run(
                    state,
                    new(session, stages.Begin(pass), cancellation)
                    {
                        Memory = memory,
                        WorkFolder = workFolder,
                        Note = text => progress?.Report(new(pass.Name, stages.Fraction, null) { Note = text }),
                    }
                );
                if (pass is PlanLayers)
                {
                    // Said before the long part begins.
                    var layers = state.Layers.Select(l => l.Description);
                    progress?.Report(
                        new(pass.Name, stages.Fraction, null)
                        {
                            Warning = UnmatchedRules.Find(request.ModelPath, recipe.Rules, [.. layers]),
                        }
                    );
                }
            }
        }
        finally
        {
            state.Samples?.Dispose();
            state = state with { Samples = null };
        }

        progress?.Report(new("export", stages.Fraction, null));
        var model = QdqExporter.Export(state.Graph, state.Plan);
        var files = ArtifactWriter.Write(model, source, request.OutputFolder);
        progress?.Report(
            new("check", stages.Fraction, null)
            {
                Note = hindrance is null ? null : $"The quantized model's output was not compared: {hindrance}",
            }
        );
        var quantizedPath = files[0];
        var (sqnr, calls) = hindrance is null
            ? OutputCheck.Run(state, quantizedPath, session, cancellation)
            : OutputCheck.Load(quantizedPath, session);
        var layerSqnr = LayerCheck.Run(state, calls, session, cancellation);
        var parts = new PipelinePartsMaker(
            state,
            new(session, (_, part) => progress?.Report(new("other parts", stages.Fraction, part)), cancellation)
        ).Make(request.OutputFolder);
        var report = new QuantizationReport
        {
            ToolVersion = typeof(Quantizer)
                .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
                .InformationalVersion,
            AlgorithmVersion = AlgorithmVersion,
            RuntimeVersion = OrtEnv.Instance().GetVersionString(),
            Device = session.Device.ToString(),
            Source = new(
                Path.GetFileName(source.ModelPath),
                sourceHash,
                $"{source.Model.ProducerName} {source.Model.ProducerVersion}".Trim(),
                source.Model.Opset
            ),
            Recipe = JsonNode.Parse(recipe.CanonicalJson)!,
            RecipeHash = recipe.Hash,
            Passes = [.. passes.Select(p => p.Name)],
            Calibration = new(state.Statistics!.Samples, state.Statistics.Timesteps),
            FloatBytes = ArtifactWriter.BytesOf(source),
            QuantizedBytes = files
                .Where(f => Path.GetFileName(f).StartsWith(ModelFileName, StringComparison.Ordinal))
                .Sum(f => new FileInfo(f).Length),
            OutputSqnr = sqnr,
            Unchecked = hindrance,
            BitOperations = calls is [var call, ..] ? BitOperations.Of(state, call) : null,
            Layers = ReportBuilder.Layers(state, layerSqnr),
            Parts = parts.Count == 0 ? null : parts,
            CutPrompts = cutPrompts.Count == 0 ? null : [.. cutPrompts.Select(c => c.Message)],
        };
        var reportPath = Path.Combine(request.OutputFolder, QuantizationReport.FileName);
        File.WriteAllText(reportPath, report.ToJson());
        var others =
            request.CopiesOtherParts && source.Layout is { } layout
                ? ArtifactWriter.CopyOtherParts(layout, request.OutputFolder, cancellation)
                : [];
        progress?.Report(new("done", 1, null));
        return new(report, [.. files, reportPath, .. others]);
    }

    /// <summary>A folder of its own for all that decides a result, so that no run goes on from another's.</summary>
    internal static string WorkFolder(
        string folder,
        Recipe recipe,
        DiffusionModel source,
        string sourceHash,
        Device device
    )
    {
        var contract = source.Contract;
        using var prompts = recipe.Prompts is null ? null : PromptEncoder.Of(source);
        var called = string.Join(
            '|',
            contract
                .Inputs.Select(i => $"{i.Name}={i.Role}")
                .Append($"{contract.SampleShape} {contract.OutputChannels}")
        );
        var text = FormattableString.Invariant(
            $"{AlgorithmVersion} {OrtEnv.Instance().GetVersionString()} {device.Kind} {recipe.Hash} {sourceHash} {called} {contract.TimestepScale} {contract.ClassCount} {contract.NullClass} {source.Schedule.Config.ToJson()} {prompts?.ContentSha256()}"
        );
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        return Path.Combine(folder, name);
    }

    private static ModelOptions Options(QuantizationRequest request)
    {
        var recipe = request.Recipe.ToModelOptions();
        var roles = recipe.InputRoles.ToDictionary(StringComparer.Ordinal);
        foreach (var (name, role) in request.ModelOptions.InputRoles)
        {
            roles[name] = role;
        }

        var dimensions = recipe.Dimensions.ToDictionary(StringComparer.Ordinal);
        foreach (var (name, size) in request.ModelOptions.Dimensions)
        {
            dimensions[name] = size;
        }

        return request.ModelOptions with
        {
            InputRoles = roles,
            Dimensions = dimensions,
        };
    }
}
