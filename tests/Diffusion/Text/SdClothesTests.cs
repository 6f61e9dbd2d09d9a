using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion.Tests.Text;

public sealed class SdClothesTests
{
    private const string States = "encoder_hidden_states";
    private static readonly string Folder = Repository.Clothes;

    // What the model's own pipeline gave for these prompts.
    private static readonly string[] Prompts = File.ReadAllLines(Repository.PathOf("samples/TextToImage/prompts.txt"));
    private static readonly ConditioningSet Known = ConditioningSet.Load(
        Repository.PathOf("benchmarks/models/sd-clothes/states.npz")
    );

    [Fact]
    public void Prompts_give_the_states_that_its_own_pipeline_gave()
    {
        using var encoder = PromptEncoder.Find(DiffusionModel.Load(Folder))!;
        const int Some = 12;
        var result = encoder.Encode(Prompts[..Some]);
        Assert.Equal([Some, 77L, 128], result.Conditional[States].Dims.ToArray());
        var known = Known.Arrays[States].ToFloats()[..(Some * 77 * 128)].ToArray();
        TextFixture.Equal(known.Select(v => (double)v), result.Conditional[States], 1e-4);
        Assert.Equal([1, 77L, 128], result.Unconditional![States].Dims.ToArray());
        Assert.Empty(result.Warnings);
    }

    [Fact]
    public void A_trajectory_takes_them_as_they_are()
    {
        var model = DiffusionModel.Load(Folder);
        using var encoder = PromptEncoder.Find(model)!;
        using var denoiser = new OnnxDenoiser(model);
        // Image k takes row k modulo the number of rows, so that image 2 takes the third prompt of many, or the only one.
        var own = encoder.Encode([Prompts[2]], ["red"]).ToConditioningSet();
        var expected = Run(Known, [2], guidance: 1);
        Assert.All(expected.Zip(Run(own, [2], guidance: 1)), p => Assert.Equal(p.First, p.Second, 1e-3f));
        var guided = Run(own, [1, 2], guidance: 3)[expected.Length..];
        Assert.Contains(expected.Zip(guided), p => Math.Abs(p.First - p.Second) > 0.01f);

        float[] Run(ConditioningSet conditioning, int[] images, double guidance) =>
            new Trajectory(
                denoiser,
                model.Schedule,
                new()
                {
                    Conditioning = conditioning,
                    GuidanceScale = guidance,
                    Sampler = new() { Steps = 2 },
                }
            ).Run(images);
    }

    [Fact]
    public void All_files_that_decide_are_named()
    {
        using var encoder = PromptEncoder.Find(DiffusionModel.Load(Folder))!;
        Assert.All(encoder.Files, f => Assert.True(Path.IsPathFullyQualified(f)));
        foreach (
            var file in new[]
            {
                "model_index.json",
                "text_encoder/model.onnx",
                "text_encoder/config.json",
                "tokenizer/vocab.json",
                "tokenizer/merges.txt",
                "tokenizer/tokenizer_config.json",
                "tokenizer/special_tokens_map.json",
            }
        )
        {
            Assert.Contains(Path.GetFullPath(Path.Combine(Folder, file)), encoder.Files);
        }
    }
}
