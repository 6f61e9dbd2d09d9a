using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion.Tests.Text;

public sealed class SdClothesTests
{
    private static readonly string Folder = Repository.PathOf("benchmarks/models/sd-clothes");

    [Fact]
    public void Prompts_give_the_states_that_its_own_pipeline_gave()
    {
        var model = DiffusionModel.Load(Folder);
        using var encoder = PromptEncoder.Find(model)!;
        var prompts = File.ReadAllLines(Path.Combine(Folder, "prompts.txt"));
        var result = encoder.Encode(prompts);
        var known = ConditioningSet.Load(Path.Combine(Folder, "states.npz"));
        Equal(known.Arrays["encoder_hidden_states"], result.Conditional["encoder_hidden_states"]);
        Equal(known.Arrays["encoder_hidden_states_uncond"], result.Unconditional!["encoder_hidden_states"]);
        Assert.Empty(result.Warnings);
    }

    [Fact]
    public void A_trajectory_takes_them_as_they_are()
    {
        var model = DiffusionModel.Load(Folder);
        using var encoder = PromptEncoder.Find(model)!;
        using var denoiser = new OnnxDenoiser(model);
        var conditioning = encoder
            .Encode(["a red dress, orange background", "green pullover on blue"])
            .ToConditioningSet();
        float[] Run(ConditioningSet set, int[] images) =>
            new Trajectory(
                denoiser,
                model.Schedule,
                new()
                {
                    Conditioning = set,
                    GuidanceScale = 3,
                    Sampler = new() { Steps = 2 },
                }
            ).Run(images);
        // In prompts.txt these two are images 3 and 2; noise goes by the image's number, so each runs as image 2.
        var known = ConditioningSet.Load(Path.Combine(Folder, "states.npz"));
        var expected = Run(known, [2]);
        var green = encoder.Encode(["green pullover on blue"]).ToConditioningSet();
        var actual = Run(green, [2]);
        Assert.All(expected.Zip(actual), p => Assert.Equal(p.First, p.Second, 1e-3f));
        Assert.Equal(2 * expected.Length, Run(conditioning, [0, 1]).Length);
    }

    private static void Equal(OnnxTensor expected, OnnxTensor actual)
    {
        Assert.Equal(expected.Dims.ToArray(), actual.Dims.ToArray());
        TextFixture.Equal(expected.ToFloats().ToArray().Select(v => (double)v), actual, 1e-4);
    }
}
