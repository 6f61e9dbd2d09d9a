using System.Text.Json;
using System.Text.Json.Nodes;

namespace DiffusionQuant.Diffusion.Tests.Solvers;

/// <summary>
/// Runs of diffusers' own schedulers, taken again: those beside this file, and those of the file that the environment variable
/// DIFFUSION_TRACES names. README.md beside them says what they hold.
/// </summary>
public sealed class SchedulerTraceTests
{
    // What float32 allows, as diffusers computes.
    private const double Relative = 1e-4;

    public static TheoryData<string, int> Cases()
    {
        var data = new TheoryData<string, int>();
        foreach (var file in Files())
        {
            for (var i = 0; i < Load(file).Count; i++)
            {
                data.Add(file, i);
            }
        }

        return data;
    }

    [Fact]
    public void Traces_are_there() => Assert.Equal(40, Load(Files().First()).Count);

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_trace_is_reproduced(string file, int index)
    {
        var trace = Load(file)[index]!;
        var name = $"{trace["scheduler"]} {trace["config"]!.ToJsonString()}";
        var settings = Settings(trace);
        var solver = settings.CreateSolver(NoisePath.Of(ConfigOf(trace)));
        Same(Numbers(trace["timesteps"]), solver.Timesteps, $"{name}: timesteps");
        Same([(double)trace["init_noise_sigma"]!], [solver.InitialScale], $"{name}: init_noise_sigma");
        var sample = Numbers(trace["unit_noise"]).Select(n => (float)(n * solver.InitialScale)).ToArray();
        var run = solver.Start(sample);
        var noises = new Queue<float[]>(trace["noises"]!.AsArray().Select(n => Floats(n)));
        for (var call = 0; call < solver.Timesteps.Count; call++)
        {
            var input = Array.ConvertAll(run.Sample, x => (float)(x * solver.InputScale(call)));
            Same(Numbers(trace["model_inputs"]![call]), Doubles(input), $"{name}: input of call {call}");
            var noise = solver.AddsNoise(call) ? noises.Dequeue() : [];
            run.Step(Network(input, solver.Timesteps[call]), noise, new float[input.Length]);
            Same(Numbers(trace["samples"]![call]), Doubles(run.Sample), $"{name}: sample behind call {call}");
        }

        // Some classes draw noise that they multiply by zero.
        Assert.InRange(noises.Count, 0, 1);
    }

    private static float[] Network(float[] x, double t) =>
        [.. x.Select((v, k) => (float)((0.6 * Math.Tanh(v)) + (0.05 * Math.Cos((0.01 * t) + k))))];

    private static SchedulerConfig ConfigOf(JsonNode trace)
    {
        var json = trace["config"]!.DeepClone().AsObject();
        json["_class_name"] = (string)trace["scheduler"]!;
        var config = SchedulerConfig.Parse(json.ToJsonString());
        return trace["set_timesteps"]?["mu"] is { } mu
            ? config with
            {
                Flow = config.Flow with { BaseShift = (double)mu, MaximalShift = (double)mu },
            }
            : config;
    }

    private static SamplerSettings Settings(JsonNode trace) =>
        new()
        {
            Kind = SolverKind.OfClass((string)trace["scheduler"]!),
            Steps = (int)trace["steps"]!,
            Eta = (double?)trace["step"]?["eta"],
            EvenFlow = trace["set_timesteps"]?["sigmas"] is not null,
        };

    private static void Same(IReadOnlyList<double> expected, IReadOnlyList<double> actual, string what)
    {
        Assert.True(expected.Count == actual.Count, $"{what}: {actual.Count} numbers for {expected.Count}");
        // A number that cancels out is known no better than the largest beside it.
        var size = expected.Max(Math.Abs) / 10;
        for (var i = 0; i < expected.Count; i++)
        {
            Assert.True(
                Math.Abs(expected[i] - actual[i]) <= Relative * Math.Max(Math.Abs(expected[i]), size),
                $"{what}: number {i} is {actual[i]:G9} and not {expected[i]:G9}"
            );
        }
    }

    private static IEnumerable<string> Files()
    {
        yield return Path.Combine(AppContext.BaseDirectory, "Solvers", "traces.json");
        if (Environment.GetEnvironmentVariable("DIFFUSION_TRACES") is { Length: > 0 } further)
        {
            yield return further;
        }
    }

    private static JsonArray Load(string file) =>
        JsonNode.Parse(File.ReadAllText(file), null, new JsonDocumentOptions { AllowTrailingCommas = true })![
            "cases"
        ]!.AsArray();

    private static double[] Numbers(JsonNode? node) => [.. node!.AsArray().Select(n => (double)n!)];

    private static float[] Floats(JsonNode? node) => [.. Numbers(node).Select(n => (float)n)];

    private static double[] Doubles(float[] values) => Array.ConvertAll(values, v => (double)v);
}
