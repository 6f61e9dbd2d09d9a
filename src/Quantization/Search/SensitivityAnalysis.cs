using System.Globalization;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Methods;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Search;

/// <summary>
/// Measures how much each layer's weights may lose: the error of the network's output with this layer alone quantized, on
/// pairs (x_t, t) along the model's own trajectories. The network is the one that the recipe's method works on.
/// </summary>
public sealed class SensitivityAnalysis : IDisposable
{
    private const double SamplingShare = 0.1;

    private readonly SensitivityRequest request;
    private readonly IProgress<QuantizationProgress>? progress;
    private readonly CancellationToken cancellation;
    private readonly CalibrationSet samples;
    private readonly WeightProbe probe;

    private SensitivityAnalysis(
        SensitivityRequest request,
        IProgress<QuantizationProgress>? progress,
        CancellationToken cancellation
    )
    {
        (this.request, this.progress, this.cancellation) = (request, progress, cancellation);
        var recipe = request.Recipe;
        using var workers = Workers.Use(recipe.Threads, cancellation);
        var method = MethodCatalog.Find(recipe.Method);
        var session = new SessionSettings { Device = Device.Parse(recipe.Device), Threads = recipe.Threads };
        progress?.Report(new("load", 0, request.ModelPath));
        var source = DiffusionModel.Load(request.ModelPath, recipe.ToModelOptions());
        SourceCheck.Run(source);
        WeightsSha256 = WeightsHash.Of(source.Model);
        var context = new PassContext(
            session,
            (fraction, detail) => progress?.Report(new("collect samples", SamplingShare * fraction, detail)),
            cancellation
        );
        var state = new QuantizationState(source, recipe)
        {
            Trajectory = CalibrationTrajectory.Settings(source, recipe, cancellation: cancellation),
        };
        // Before anything long begins.
        Trajectory.Check(source.Contract, source.Schedule, state.Trajectory);
        // Up to the plan passes change the graph's form and layers' names, not what it computes.
        foreach (var pass in method.Passes.Where(p => p.Applies(recipe)))
        {
            cancellation.ThrowIfCancellationRequested();
            state = pass.Run(state, context with { Progress = (_, _) => { } });
            if (pass is PlanLayers)
            {
                break;
            }
        }

        Layers = [.. state.Layers.Select(l => l.Description)];
        samples = CalibrationSet.Collect(state, context);
        try
        {
            var ranges = method.Passes.OfType<SearchRanges>().FirstOrDefault()?.Weights ?? new MseRange();
            probe = new(state, samples, ranges, context);
        }
        catch
        {
            samples.Dispose();
            throw;
        }
    }

    /// <summary>All layers that could be quantized, those without weights too.</summary>
    public IReadOnlyList<LayerDescription> Layers { get; }

    /// <summary>The hash of the model's weights (<see cref="WeightsHash"/>).</summary>
    public string WeightsSha256 { get; }

    /// <summary>Loads the model and samples it.</summary>
    /// <param name="request">What to measure.</param>
    /// <param name="progress">Receives stages and fractions; may be null.</param>
    /// <param name="cancellation">Stops all that the analysis does.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">The model, the recipe or the device does not allow it.</exception>
    public static SensitivityAnalysis Open(
        SensitivityRequest request,
        IProgress<QuantizationProgress>? progress = null,
        CancellationToken cancellation = default
    ) => new(request, progress, cancellation);

    /// <summary>Measures each layer at each width. Layers that the work folder knows are not measured again.</summary>
    public SensitivityTable Measure()
    {
        using var workers = Workers.Use(request.Recipe.Threads, cancellation);
        var checkpoints = new SensitivityCheckpoints(request.WorkFolder);
        var known = probe.Layers.ToDictionary(l => l.Name, l => checkpoints.Find(l.Name), StringComparer.Ordinal);
        var missing = probe.Layers.Where(l => known[l.Name] is null).ToArray();
        SayCost(missing.Length, known.Count - missing.Length);
        foreach (var (i, layer) in missing.Index())
        {
            var errors = new Dictionary<int, double>();
            foreach (var width in request.Widths)
            {
                cancellation.ThrowIfCancellationRequested();
                var done = (i + ((double)errors.Count / request.Widths.Count)) / missing.Length;
                progress?.Report(
                    new("measure layers", SamplingShare + ((1 - SamplingShare) * done), $"{layer.Name} at W{width}")
                );
                errors[width] = probe.Measure(new Dictionary<string, int> { [layer.Name] = width });
            }

            var measured = new LayerSensitivity(
                layer.Name,
                layer.Node.OpType,
                layer.Positions,
                layer.Weight!.ElementCount,
                errors
            );
            checkpoints.Save(measured);
            known[layer.Name] = measured;
        }

        return new(samples.Count, [.. probe.Layers.Select(l => known[l.Name]!)]);
    }

    /// <summary>Measures layers that are quantized together.</summary>
    /// <param name="bits">The width of each of these layers, by name.</param>
    /// <returns>Σ(ε − ε̂)² / Σε² over the network's output, activations in float.</returns>
    public double MeasureTogether(IReadOnlyDictionary<string, int> bits)
    {
        using var workers = Workers.Use(request.Recipe.Threads, cancellation);
        progress?.Report(new("measure together", 1, null));
        return probe.Measure(bits);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        probe.Dispose();
        samples.Dispose();
    }

    private void SayCost(int missing, int known)
    {
        var minutes = Math.Max(1, Math.Round((probe.Time * missing * request.Widths.Count).TotalMinutes));
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{missing} layers at {request.Widths.Count} widths, each on {samples.Count} pairs (x_t, t): about {minutes} min, and the search of ranges besides"
        );
        progress?.Report(
            new("measure layers", SamplingShare, null)
            {
                Note = known > 0 ? $"{text}; {known} layers were measured before." : $"{text}.",
            }
        );
    }
}
