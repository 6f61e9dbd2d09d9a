using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Engine.Tests;

public sealed class BindingTests
{
    /// <summary>y = 2 x + 1; the constant of each step differs from step to step.</summary>
    private static ModelSession Step()
    {
        var graph = TinyModels.Graph(
            [TinyModels.Value("x", ElementType.Float, "n"), TinyModels.Value("c", ElementType.Float, 1)],
            [TinyModels.Value("y", ElementType.Float, "n")],
            new("Add", ["x", "x"], ["t"]),
            new("Add", ["t", "c"], ["y"])
        );
        return ModelSession.Load(TinyModels.Model(graph));
    }

    [Fact]
    public void An_output_is_fed_back_as_the_next_input()
    {
        using var session = Step();
        using var binding = session.Bind();
        var constant = new float[1];
        using var c = Tensors.Of(constant, 1);
        var x = Tensors.Of<float>([1, 2], 2);
        binding.BindInput("c", c).BindOutputToDevice("y");
        for (var step = 0; step < 4; step++)
        {
            constant[0] = step;
            binding.BindInput("x", x);
            using var outputs = binding.Run();
            x.Dispose();
            x = outputs.Take("y");
        }

        // 1: 2, 5, 12, 27; 2: 4, 9, 20, 43.
        Assert.Equal([27, 43], Tensors.ToFloats(x));
        x.Dispose();
    }

    [Fact]
    public void Each_run_makes_a_new_output_of_its_own_shape()
    {
        using var session = Step();
        using var binding = session.Bind();
        using var c = Tensors.Of<float>([0], 1);
        using var two = Tensors.Of<float>([1, 2], 2);
        using var three = Tensors.Of<float>([3, 4, 5], 3);
        using var first = binding.BindInput("c", c).BindInput("x", two).Run();
        using var second = binding.BindInput("x", three).Run();
        Assert.Equal([2, 4], Tensors.ToFloats(first["y"]));
        Assert.Equal([6, 8, 10], Tensors.ToFloats(second["y"]));
    }

    [Fact]
    public void A_given_output_is_written_in_place()
    {
        using var session = Step();
        using var binding = session.Bind();
        using var c = Tensors.Of<float>([1], 1);
        using var x = Tensors.Of<float>([1, 2], 2);
        using var y = session.Allocate(ElementType.Float, 2);
        using var outputs = binding.BindInput("c", c).BindInput("x", x).BindOutput("y", y).Run();
        Assert.Equal([3, 5], Tensors.ToFloats(y));
        Assert.Equal([3, 5], Tensors.ToFloats(outputs["y"]));
    }

    [Fact]
    public void Outputs_can_be_asked_for_in_main_memory()
    {
        using var session = Step();
        using var binding = session.Bind();
        using var c = Tensors.Of<float>([1], 1);
        using var x = Tensors.Of<float>([1], 1);
        using var outputs = binding.BindInput("c", c).BindInput("x", x).BindOutputToMainMemory("y").Run();
        Assert.Equal([3], Tensors.Floats(outputs["y"]).ToArray());
    }

    [Fact]
    public void Mistakes_have_their_codes()
    {
        using var session = Step();
        using var binding = session.Bind();
        using var c = Tensors.Of<float>([0], 1);
        using var wrong = Tensors.Of<float>([0, 0], 2);
        using var integers = Tensors.Of<int>([0], 1);
        Assert.Equal("DQ4012", Code(() => binding.BindInput("z", c)));
        Assert.Equal("DQ4014", Code(() => binding.BindInput("c", integers)));
        Assert.Equal("DQ4015", Code(() => binding.BindInput("c", wrong)));
        Assert.Equal("DQ4016", Code(() => binding.BindOutputToDevice("z")));
        Assert.Equal("DQ4016", Code(() => binding.BindOutput("z", c)));
        binding.BindInput("c", c);
        Assert.Equal("DQ4013", Code(() => binding.Run()));
    }

    private static string Code(Action action) => Assert.Throws<DiffusionQuantException>(action).Code;
}
