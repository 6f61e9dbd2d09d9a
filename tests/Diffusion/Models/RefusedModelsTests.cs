using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion.Tests.Models;

/// <summary>Models that are no denoisers, by their signatures.</summary>
public sealed class RefusedModelsTests
{
    [Fact]
    public void Vae_decoder() =>
        Refused(
            "has its output's shape",
            [new("latent_sample", ElementType.Float, ["batch", 4, 64, 64])],
            new("sample", ElementType.Float, ["batch", 3, 512, 512])
        );

    [Fact]
    public void Vae_decoder_with_symbolic_sizes() =>
        Refused(
            "no input is a timestep",
            [new("latent_sample", ElementType.Float, ["batch", 4, "latent_height", "latent_width"])],
            new("sample", ElementType.Float, ["batch", 3, "sample_height", "sample_width"])
        );

    [Fact]
    public void Text_encoder() =>
        Refused(
            "whole numbers",
            [new("input_ids", ElementType.Int64, ["batch", "sequence"])],
            new("last_hidden_state", ElementType.Float, ["batch", "sequence", 768])
        );

    [Fact]
    public void Classifier() =>
        Refused(
            "no image",
            [new("image", ElementType.Float, ["batch", 1, 32, 32])],
            new("logits", ElementType.Float, ["batch", 10])
        );

    [Fact]
    public void Image_to_image() =>
        Refused(
            "no input is a timestep",
            [new("input", ElementType.Float, ["batch", 3, 64, 64]), new("strength", ElementType.Float, [1])],
            new("output", ElementType.Float, ["batch", 3, 64, 64])
        );

    [Fact]
    public void Video_and_packed_tokens() =>
        Refused(
            "rank 5",
            [new("sample", ElementType.Float, ["batch", 4, 16, 32, 32]), new("timestep", ElementType.Int64, [1])],
            new("out_sample", ElementType.Float, ["batch", 4, 16, 32, 32])
        );

    private static void Refused(string why, ValueInfo[] inputs, ValueInfo output)
    {
        var graph = new OnnxGraph { Name = "other" };
        graph.Inputs.AddRange(inputs);
        graph.Outputs.Add(output);
        graph.Nodes.Add(new("Identity", [inputs[0].Name], [output.Name]));
        var message = Faults.Expect("DQ1042", () => DenoiserContract.Of(new OnnxModel(graph) { Opset = 17 }));
        Assert.Contains(why, message);
        Assert.All(inputs, i => Assert.Contains(i.ToString(), message));
    }
}
