namespace DiffusionQuant.Diffusion.Tests.Pipelines;

/// <summary>From a prompt to a picture with a small text-to-image model in Stable Diffusion 1's form.</summary>
public sealed class PromptTests : IDisposable
{
    private const string Sneaker = "a red sneaker on a yellow background";
    private static readonly GenerationOptions Few = new()
    {
        Sampler = new() { Kind = SolverKind.Find("ddim"), Steps = 4 },
        GuidanceScale = 4,
    };

    private readonly DiffusionPipeline pipeline = DiffusionPipeline.Load(
        Repository.Clothes,
        new() { KeepTextEncoders = true }
    );

    public void Dispose() => pipeline.Dispose();

    [Fact]
    public void A_prompt_decides_the_picture_and_the_same_one_gives_it_again()
    {
        var first = pipeline.Generate(Sneaker, count: 2, seed: 1, options: Few);
        Assert.All(first, i => Assert.Equal((new SampleShape(3, 64, 64), Sneaker), (i.Shape, i.Prompt)));
        var again = pipeline.Generate(Sneaker, count: 1, seed: 1, options: Few);
        Assert.Equal(first[0].ToBytes(), again[0].ToBytes());
        var other = pipeline.Generate("a blue bag on a green background", seed: 1, options: Few);
        Assert.NotEqual(first[0].ToBytes(), other[0].ToBytes());
        var without = pipeline.Generate(Sneaker, seed: 1, options: Few with { NegativePrompt = "a yellow background" });
        Assert.NotEqual(first[0].ToBytes(), without[0].ToBytes());
    }

    [Fact]
    public void Prompts_take_turns_and_a_picture_does_not_depend_on_the_others()
    {
        string[] prompts = [Sneaker, "a blue bag on a green background"];
        var images = pipeline.Generate(prompts, count: 3, seed: 2, options: Few);
        Assert.Equal([prompts[0], prompts[1], prompts[0]], images.Select(i => i.Prompt));
        var alone = pipeline.Generate(prompts[1], seed: 2, options: Few with { FirstImage = 1 });
        Assert.True(Distance(alone[0], images[1]) < 0.01);
    }

    /// <summary>The ground is what the model draws best: its corner has the colour that was asked for.</summary>
    [Fact]
    public void The_ground_has_the_prompts_colour()
    {
        var image = pipeline.Generate(Sneaker, seed: 1, steps: 12, options: Few)[0];
        var area = image.Height * image.Width;
        double Mean(int channel) => Enumerable.Range(0, 64).Average(x => image.Pixels[(channel * area) + x]);
        var (red, green, blue) = (Mean(0), Mean(1), Mean(2));
        Assert.True(red > blue + 0.7 && green > blue + 0.4, $"{red:F2} {green:F2} {blue:F2}");
    }

    [Fact]
    public void A_picture_to_start_from_is_kept_the_more_the_weaker_the_change()
    {
        var start = pipeline.Generate(Sneaker, seed: 1, steps: 12, options: Few)[0];
        var options = Few with { Image = start, Sampler = Few.Sampler with { Steps = 10 } };
        var weak = pipeline.Generate(Sneaker, seed: 3, options: options with { Strength = 0.2 })[0];
        var strong = pipeline.Generate(Sneaker, seed: 3, options: options with { Strength = 1 })[0];
        Assert.True(Distance(start, strong) > 2 * Distance(start, weak), $"{Distance(start, weak)}");
    }

    [Theory]
    [InlineData("pndm")]
    [InlineData("heun")]
    [InlineData("unipc")]
    [InlineData("euler-ancestral")]
    public void What_a_mask_leaves_out_stays(string sampler)
    {
        var start = pipeline.Generate(Sneaker, seed: 1, steps: 12, options: Few)[0];
        var pixels = new float[64 * 64];
        Array.Fill(pixels, -1f);
        Array.Fill(pixels, 1f, 32 * 64, 32 * 64);
        var nothing = new float[64 * 64];
        Array.Fill(nothing, -1f);
        // What encoder and decoder alone make of the picture.
        var kept = Filled(nothing);
        var made = Filled(pixels);
        // The decoder's attention sees all of the latents, so that what stays is not quite the same.
        var (above, below) = (Distance(kept, made, 0, 16), Distance(kept, made, 40, 64));
        Assert.True(above < 0.15 && below > 3 * above, $"{above} {below}");

        GeneratedImage Filled(float[] mask) =>
            pipeline.Generate(
                "a blue bag on a green background",
                seed: 3,
                options: Few with
                {
                    Image = start,
                    Mask = new(new(1, 64, 64), mask),
                    Strength = 1,
                    Sampler = new() { Steps = 6, Kind = SolverKind.Find(sampler) },
                }
            )[0];
    }

    [Fact]
    public void Bad_settings_have_codes()
    {
        var start = pipeline.Generate(Sneaker, seed: 1, options: Few)[0];
        Faults.Expect("DQ1058", () => pipeline.Generate(Sneaker, options: Few with { Image = start, Strength = 0 }));
        Faults.Expect("DQ1058", () => pipeline.Generate(Sneaker, options: Few with { GuidanceRescale = 2 }));
        Faults.Expect("DQ1058", () => pipeline.Generate(Sneaker, options: Few with { Mask = start }));
        var small = new Picture(new(3, 32, 32), new float[3 * 32 * 32]);
        Faults.Expect("DQ1058", () => pipeline.Generate(Sneaker, options: Few with { Image = small }));
        using var plain = DiffusionPipeline.Load(Repository.PathOf("samples/ImageApp/Models/ddpm-fashion"));
        Faults.Expect("DQ1067", () => plain.Generate(Sneaker));
        Faults.Expect("DQ1054", () => plain.Generate(1, options: new() { Image = small }));
    }

    [Fact]
    public void What_was_disposed_makes_nothing()
    {
        pipeline.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pipeline.Generate(Sneaker));
        Assert.Throws<ObjectDisposedException>(() => pipeline.Generate(1, options: Few));
    }

    private static double Distance(Picture a, Picture b, int fromRow = 0, int toRow = 64) =>
        a
            .Pixels.Zip(b.Pixels)
            .Where((_, i) => i / a.Width % a.Height >= fromRow && i / a.Width % a.Height < toRow)
            .Average(p => Math.Abs(p.First - p.Second));
}
