using System.Text.Json.Nodes;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Benchmarks;

/// <summary>Faults that a gate must find, made on purpose.</summary>
internal static class Regressions
{
    /// <summary>A method's passes with calibration on noise.</summary>
    public static IReadOnlyList<IQuantizationPass> OnNoise(IReadOnlyList<IQuantizationPass> passes)
    {
        var first = passes.Index().First(p => p.Item is CollectSamples or CollectStatistics).Index;
        return
        [
            .. passes.Take(first),
            new Pass(
                "collect noise",
                (state, context) =>
                {
                    var samples = CalibrationSet.Collect(state, context);
                    var noise = new NoiseSource(unchecked((ulong)state.Recipe.Seed));
                    for (var i = 0; i < samples.StateCount; i++)
                    {
                        noise.FillNormal(NoisePurpose.Initial, i, 0, samples.State(i));
                    }

                    return state with
                    {
                        Samples = samples,
                    };
                }
            ),
            .. passes.Skip(first).Where(p => p is not CollectSamples),
        ];
    }

    /// <summary>A method's passes, behind which the codes of one convolution's weight are one step higher.</summary>
    /// <param name="passes">The method's.</param>
    /// <param name="which">Of 1 to <paramref name="of"/>, evenly over the network.</param>
    /// <param name="of">How many convolutions are taken in turn.</param>
    public static IReadOnlyList<IQuantizationPass> Shifted(
        IReadOnlyList<IQuantizationPass> passes,
        int which,
        int of
    ) =>
        [
            .. passes,
            new Pass(
                "shift codes",
                (state, _) =>
                {
                    var convolutions = state
                        .Plan.Layers.Where(l => l is { Kind: LayerKind.Convolution, Weight: not null })
                        .ToArray();
                    var hit = convolutions[(which - 1) * convolutions.Length / of];
                    return state with
                    {
                        Plan = state.Plan with
                        {
                            Layers = [.. state.Plan.Layers.Select(l => l == hit ? Shifted(l) : l)],
                        },
                    };
                }
            ),
        ];

    /// <summary>The names of a quarter of a quantized model's layers, each time others.</summary>
    public static IEnumerable<string> Quarter(IReadOnlyList<string> layers, int index)
    {
        var random = new Random(index);
        return layers.OrderBy(_ => random.Next()).Take(layers.Count / 4);
    }

    /// <summary>Changes a scheduler's file: to one of the other two prediction types, or of the other beta schedules.</summary>
    public static void ChangeSchedule(string path, int index)
    {
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        var (key, words) =
            index <= 2
                ? ("prediction_type", new[] { "epsilon", "sample", "v_prediction" })
                : ("beta_schedule", ["linear", "scaled_linear", "squaredcos_cap_v2"]);
        var others = words.Where(w => w != (string?)config[key]).ToArray();
        config[key] = others[(index - 1) % 2];
        File.WriteAllText(path, config.ToJsonString());
    }

    private static LayerPlan Shifted(LayerPlan layer)
    {
        var weight = layer.Weight!;
        // 255 would wrap round in 8 bits; a step less is a shift as well.
        var highest = weight.Quantizers.Min(q => q.MaxCode);
        return layer with
        {
            Weight = weight.WithCodes([.. weight.Codes.ToArray().Select(c => (byte)Math.Min(c + 1, highest))]),
        };
    }

    private sealed class Pass(string name, Func<QuantizationState, PassContext, QuantizationState> run)
        : IQuantizationPass
    {
        public string Name => name;

        public double Weight => 1;

        public QuantizationState Run(QuantizationState state, PassContext context) => run(state, context);
    }
}
