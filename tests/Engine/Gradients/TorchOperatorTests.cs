using DiffusionQuant.Engine.Tests.Gradients.Forms;
using DiffusionQuant.Engine.Tests.Gradients.Reference;
using DiffusionQuant.Onnx;
using DiffusionQuant.Tests.Shared;
using Xunit.Abstractions;

namespace DiffusionQuant.Engine.Tests.Gradients;

/// <summary>
/// Every rule beside PyTorch's derivative of the same operator: beside PyTorch itself where it is there, beside what
/// <see cref="TorchRecorder"/> wrote of it everywhere.
/// </summary>
public sealed class TorchOperatorTests(ITestOutputHelper output)
{
    private static readonly Dictionary<string, TorchTrial[]> Recorded = TorchRecorder.Read<TorchTrial[]>(
        TorchRecorder.OperatorsFile
    );

    public static TheoryData<string> Names => [.. GradientForm.All.Select(f => f.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_gradient_is_that_of_PyTorch(string name)
    {
        if (TorchRuntime.Missing is { } reason)
        {
            output.WriteLine($"{reason}. Compared with what PyTorch gave when it was recorded.");
        }

        var form = GradientForm.All.Single(f => f.Name == name);
        Assert.True(Recorded.ContainsKey(name), $"nothing is recorded of '{name}': see {nameof(TorchRecorder)}");
        foreach (var trial in Recorded[name])
        {
            var (model, inputs) = TorchRecorder.Trial(form, trial.Seed);
            var expected = trial.Gradients.ToDictionary(g => g.Key, g => TorchRecorder.Decode(g.Value));
            if (TorchRuntime.Missing is null)
            {
                AssertClose(
                    $"PyTorch's of seed {trial.Seed}",
                    expected,
                    TorchRecorder.Differentiate(model, inputs),
                    inputs
                );
            }

            var run = GradientRun.Of(
                model,
                inputs.ToDictionary(i => i.Key, i => i.Value.ToFloats().ToArray()),
                [.. expected.Keys]
            );
            AssertClose(
                $"seed {trial.Seed}\n{GraphText.Print(model.Graph)}",
                expected,
                run.Gradients.ToDictionary(g => g.Key, g => Array.ConvertAll(g.Value.Values, v => (float)v)),
                inputs
            );
        }
    }

    private static void AssertClose(
        string what,
        Dictionary<string, float[]> expected,
        IReadOnlyDictionary<string, float[]> actual,
        Dictionary<string, OnnxTensor> inputs
    )
    {
        foreach (var (name, values) in expected)
        {
            NdArray Shaped(float[] numbers) =>
                new(
                    Array.ConvertAll(inputs[name].Dims.ToArray(), d => (int)d),
                    Array.ConvertAll(numbers, v => (double)v)
                );
            GradientRun.AssertClose($"the gradient of {name}, {what}", Shaped(values), Shaped(actual[name]));
        }
    }
}
