using System.Globalization;
using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation.Features.Inception;
using DiffusionQuant.Evaluation.Tests.Features.Checkpoints;
using DiffusionQuant.Onnx.Diagnostics;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Evaluation.Tests.Features.Inception;

public sealed class InceptionImportTests
{
    [Fact]
    public void Outputs_are_those_of_the_same_network_in_pytorch()
    {
        using var file = new TemporaryFile();
        // What training left behind does not matter.
        var extra = new (string, long[])[]
        {
            ("AuxLogits.fc.bias", [10]),
            ("Mixed_5b.branch1x1.bn.num_batches_tracked", [1]),
        };
        InceptionFormula.WriteStateDict(file.Path, InceptionFormula.Tensors.Concat(extra));
        var import = InceptionImport.Load(file.Path);
        Assert.False(import.IsStandard);
        Assert.Equal(64, import.Settings.SourceSha256!.Length);

        using var session = ModelSession.Load(import.Model, new() { Device = Device.Cpu });
        using var images = Tensors.Of<float>(
            [.. InceptionFormula.Image(0), .. InceptionFormula.Image(1)],
            2,
            3,
            InceptionNetwork.Resolution,
            InceptionNetwork.Resolution
        );
        using var outputs = session.Run(new Dictionary<string, OrtValue> { [InceptionNetwork.Image] = images });
        Assert.Equal([2, 2048], Tensors.Dims(outputs[InceptionNetwork.Features]));
        Assert.Equal([2, 1008], Tensors.Dims(outputs[InceptionNetwork.Logits]));
        Assert.Equal([2, 7, 17, 17], Tensors.Dims(outputs[InceptionNetwork.Spatial]));
        var expected = File.ReadAllLines(
            Path.Combine(AppContext.BaseDirectory, "Features", "Inception", "expected.txt")
        );
        Assert.Equal(3 * 2 * 64, expected.Length);
        foreach (var line in expected)
        {
            var parts = line.Split(' ');
            var output = outputs[parts[0]];
            var width = Tensors.Dims(output)[1..].Aggregate((a, b) => a * b);
            var at =
                (int.Parse(parts[1], CultureInfo.InvariantCulture) * width)
                + int.Parse(parts[2], CultureInfo.InvariantCulture);
            var value = Tensors.ToFloats(output)[(int)at];
            Assert.True(
                Math.Abs(value - double.Parse(parts[3], CultureInfo.InvariantCulture)) < 1e-4,
                $"{line}: {value}"
            );
        }
    }

    [Fact]
    public void A_state_dict_of_another_network_is_refused_before_its_elements_are_read()
    {
        // One element behind each tensor's shape is enough for what is checked.
        var tensors = InceptionFormula.Tensors.ToArray();
        Assert.Equal((94 * 5) + 2, tensors.Length);
        var failure = Fails([.. tensors.Where(t => t.Name is not ("fc.bias" or "Mixed_7c.branch_pool.bn.bias"))]);
        Assert.Equal("DQ3055", failure.Code);
        Assert.Contains("no 'Mixed_7c.branch_pool.bn.bias', 'fc.bias'.", failure.Message);

        failure = Fails([.. tensors, ("layer1.0.conv1.weight", [4])]);
        Assert.Equal("DQ3056", failure.Code);
        Assert.Contains("'layer1.0.conv1.weight'", failure.Message);

        failure = Fails([
            .. tensors.Where(t => !t.Name.StartsWith("fc.")),
            ("fc.weight", [1000, 2048]),
            ("fc.bias", [1000]),
        ]);
        Assert.Equal("DQ3057", failure.Code);
        Assert.Contains("'fc.weight' is Float[1000,2048] instead of Float[1008,2048]", failure.Message);

        failure = Fails([("a", [1])]);
        Assert.Equal("DQ3055", failure.Code);
        Assert.Contains("and 469 more", failure.Message);
    }

    [Theory]
    [InlineData("Conv2d_2a_3x3.conv.weight", float.NaN)]
    [InlineData("Conv2d_2a_3x3.bn.running_mean", float.PositiveInfinity)]
    [InlineData("Conv2d_2a_3x3.bn.running_var", -0.5f)]
    public void Weights_that_are_not_usable_are_refused_by_name(string name, float value)
    {
        var failure = Fails([.. InceptionFormula.Tensors], t => t == name ? value : 1);
        Assert.Equal("DQ3058", failure.Code);
        Assert.Contains(name, failure.Message);
    }

    /// <summary>Imports tensors whose elements are all one: files of a few kB with the network's shapes.</summary>
    private static DiffusionQuantException Fails(
        (string Name, long[] Sizes)[] tensors,
        Func<string, float>? value = null
    )
    {
        var pickle = new PickleBytes().Op('}').Op('(');
        foreach (var (name, sizes) in tensors)
        {
            pickle.Text(name).Tensor(name, 1, 0, sizes, new long[sizes.Length]);
        }

        var storages = tensors.Select(t => (t.Name, new[] { value?.Invoke(t.Name) ?? 1 })).ToArray();
        using var file = new TemporaryFile(PickleBytes.Legacy(pickle.Op('u').End(), storages));
        return Assert.Throws<DiffusionQuantException>(() => InceptionImport.Load(file.Path));
    }
}
