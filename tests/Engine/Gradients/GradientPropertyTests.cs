using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Engine.Tests.Gradients.Forms;
using DiffusionQuant.Engine.Tests.Gradients.Reference;
using DiffusionQuant.Onnx;
using FsCheck;
using FsCheck.Fluent;

namespace DiffusionQuant.Engine.Tests.Gradients;

/// <summary>
/// Every rule, over drawn shapes and attributes: each entry of each gradient is the slope of the loss, which a double
/// precision evaluation of the definitions has.
/// </summary>
public sealed class GradientPropertyTests
{
    private const int Trials = 40;

    public static TheoryData<string> Names => [.. GradientForm.All.Select(f => f.Name)];

    /// <summary>Seeds, and sizes of axes; a failure is sought again with smaller ones.</summary>
    private static Arbitrary<(int Seed, int Most)> Draws =>
        Arb.From(
            Gen.Choose(0, int.MaxValue - 1)
                .SelectMany(seed => Gen.Choose(1, 5).Select(most => (Seed: seed, Most: most))),
            draw => Enumerable.Range(1, draw.Most - 1).Select(most => (draw.Seed, Most: most))
        );

    [Theory]
    [MemberData(nameof(Names))]
    public void Gradients_are_slopes(string name)
    {
        var form = GradientForm.All.Single(f => f.Name == name);
        Prop.ForAll(Draws, draw => AssertSlopes(form, new(draw.Seed, draw.Most)))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(Trials).WithReplay(1, 1));
    }

    [Fact]
    public void Every_rule_has_a_form()
    {
        var tried = GradientForm.All.Select(f => (f.Domain, f.OpType)).Concat(DefinedGradientTests.Operators);
        Assert.Empty(GradientRuleTable.Instance.Operators.Except(tried));
    }

    private static void AssertSlopes(GradientForm form, Draw draw)
    {
        var trial = new Trial(draw, form.Opset);
        var values = form.Write(trial);
        var model = trial.Close(values);
        Assert.Contains(model.Graph.Nodes, n => (n.Domain, n.OpType) == (form.Domain, form.OpType));

        // Each input may be constant to the loss, and a rule then writes less.
        var wanted = draw.Shuffled(trial.Inputs.Keys)[..draw.Whole(1, trial.Inputs.Count)];
        var actual = GradientRun.Of(model, trial.Inputs, wanted, ["loss", .. values.Select(v => v.Name)]);
        var inputs = trial.Doubles();
        var expected = ReferenceGraph.Run(model.Graph, model.Opset, inputs);
        var call = $"in opset {model.Opset}\n{GraphText.Print(model.Graph)}";
        foreach (var (name, value) in actual.Values)
        {
            GradientRun.AssertClose($"{name} {call}", expected[name], value);
        }

        foreach (var name in wanted)
        {
            GradientRun.AssertClose(
                $"the gradient of {name} {call}",
                Slopes(model, inputs, name),
                actual.Gradients[name]
            );
        }
    }

    /// <summary>Central differences of the loss for each entry of an input.</summary>
    private static NdArray Slopes(OnnxModel model, Dictionary<string, NdArray> inputs, string name)
    {
        const double Step = 1e-5;
        var values = inputs[name].Values;
        var slopes = new double[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var middle = values[i];
            values[i] = middle + Step;
            var above = Loss();
            values[i] = middle - Step;
            slopes[i] = (above - Loss()) / (2 * Step);
            values[i] = middle;
        }

        return new(inputs[name].Dims, slopes);

        double Loss() => ReferenceGraph.Run(model.Graph, model.Opset, inputs)["loss"].Values[0];
    }
}
