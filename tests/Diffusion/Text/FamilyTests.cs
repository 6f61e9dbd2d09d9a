using DiffusionQuant.Onnx;
using static DiffusionQuant.Diffusion.Tests.Text.TextFixture;

namespace DiffusionQuant.Diffusion.Tests.Text;

public sealed class FamilyTests : IDisposable
{
    private readonly TextFixture fixture = new();

    public void Dispose() => fixture.Dispose();

    [Theory]
    [InlineData(ElementType.Int64, ElementType.Float, false)]
    [InlineData(ElementType.Int32, ElementType.Float16, true)]
    public void Stable_diffusion_takes_the_last_states(ElementType ids, ElementType output, bool isFixed)
    {
        var encoder = new TinyTextEncoder
        {
            Seed = 1,
            IdsType = ids,
            OutputType = output,
            Batch = isFixed ? 2 : "b",
            Length = isFixed ? 77 : "s",
            GivesHidden = false,
        };
        encoder.Save(fixture.Folder, "text_encoder");
        fixture.AddClipTokenizer("tokenizer");
        var result = fixture.Find(Contract(States(6))).Encode([Prompt, "", Prompt]);
        var states = result.Conditional["encoder_hidden_states"];
        Assert.Equal([3L, 77, 6], states.Dims.ToArray());
        var (some, none) = (encoder.Compute(ClipIds(Prompt)).Last, encoder.Compute(ClipIds("")).Last);
        var tolerance = output == ElementType.Float ? 1e-5 : 2e-3;
        Equal([.. some, .. none, .. some], states, tolerance);
        Equal(none, result.Unconditional!["encoder_hidden_states"], tolerance);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_skipped_layer_is_normalised_as_the_last_is(bool isOneNode)
    {
        var encoder = new TinyTextEncoder { Seed = 2, NormIsOneNode = isOneNode };
        encoder.Save(fixture.Folder, "text_encoder");
        fixture.AddClipTokenizer("tokenizer");
        var result = fixture.Find(Contract(States(6))).Encode([Prompt], options: new() { ClipSkip = 1 });
        Equal(
            encoder.Normalise(encoder.Compute(ClipIds(Prompt)).Hidden[^2]),
            result.Conditional["encoder_hidden_states"]
        );
    }

    [Fact]
    public void Negative_prompts_are_one_for_all_or_one_for_each()
    {
        new TinyTextEncoder { Seed = 3 }.Save(fixture.Folder, "text_encoder");
        fixture.AddClipTokenizer("tokenizer");
        var encoder = fixture.Find(Contract(States(6)));
        const string Name = "encoder_hidden_states";
        var first = encoder.Encode([Prompt, "blue"], ["red"]);
        Assert.Equal(1, first.Unconditional![Name].Dims[0]);
        var second = encoder.Encode(["red"]);
        Assert.Equal(second.Conditional[Name].Data.ToArray(), first.Unconditional[Name].Data.ToArray());
        var third = encoder.Encode([Prompt, "blue"], ["red", ""]);
        Assert.Equal(2, third.Unconditional![Name].Dims[0]);
        Assert.Null(encoder.Encode(["red"], options: new() { Unconditional = false }).Unconditional);
    }

    [Fact]
    public void Sdxl_joins_two_models()
    {
        var (first, second) = AddTwoClips();
        var contract = Contract(States(14), Pooled(5), TimeIds(6));
        var result = fixture.Find(contract).Encode([Prompt], options: new() { OriginalSize = (70, 80), Crop = (3, 4) });
        var (one, two) = (first.Compute(ClipIds(Prompt)), second.Compute(ClipIds(Prompt, pad: 0)));
        Equal(Beside((one.Hidden[^2], 6), (two.Hidden[^2], 8)), result.Conditional["encoder_hidden_states"]);
        Equal(two.Projected, result.Conditional["text_embeds"]);
        Equal([70, 80, 3, 4, 64, 64], result.Conditional["time_ids"]);
        // No negative prompt: zeros for text, the same sizes.
        Equal(new double[77 * 14], result.Unconditional!["encoder_hidden_states"]);
        Equal(new double[5], result.Unconditional["text_embeds"]);
        Assert.Same(result.Conditional["time_ids"], result.Unconditional["time_ids"]);
        Assert.Equal(
            ["encoder_hidden_states", "encoder_hidden_states_uncond", "text_embeds", "text_embeds_uncond", "time_ids"],
            result.ToConditioningSet().Arrays.Keys.Order(StringComparer.Ordinal)
        );
        result.ToConditioningSet().Check(contract, withUnconditional: true);
    }

    [Fact]
    public void Sdxl_skips_layers_from_the_last_but_one_on()
    {
        var (first, second) = AddTwoClips();
        var result = fixture
            .Find(Contract(States(14), Pooled(5), TimeIds(6)))
            .Encode([Prompt], options: new() { ClipSkip = 1 });
        var (one, two) = (first.Compute(ClipIds(Prompt)), second.Compute(ClipIds(Prompt, pad: 0)));
        Equal(Beside((one.Hidden[^3], 6), (two.Hidden[^3], 8)), result.Conditional["encoder_hidden_states"]);
    }

    [Fact]
    public void Sdxl_takes_states_of_an_empty_text_where_its_settings_say_so()
    {
        var (_, second) = AddTwoClips();
        fixture.Folder.Write(
            "model_index.json",
            """{ "_class_name": "StableDiffusionXLPipeline", "force_zeros_for_empty_prompt": false }"""
        );
        var result = fixture.Find(Contract(States(14), Pooled(5), TimeIds(6))).Encode(["", Prompt]);
        Equal(second.Compute(ClipIds("", pad: 0)).Projected, result.Unconditional!["text_embeds"]);
    }

    [Fact]
    public void An_empty_prompt_of_sdxl_is_no_missing_negative_one()
    {
        var (_, second) = AddTwoClips();
        var result = fixture.Find(Contract(States(14), Pooled(5), TimeIds(6))).Encode([""], [""]);
        Equal(second.Compute(ClipIds("", pad: 0)).Projected, result.Conditional["text_embeds"]);
        Equal(new double[5], result.Unconditional!["text_embeds"]);
    }

    [Fact]
    public void A_refiner_takes_the_second_model_alone()
    {
        var (_, second) = AddTwoClips();
        var result = fixture.Find(Contract(States(8), Pooled(5), TimeIds(5))).Encode([Prompt], ["blue"]);
        var two = second.Compute(ClipIds(Prompt, pad: 0));
        Equal(two.Hidden[^2], result.Conditional["encoder_hidden_states"]);
        Equal(two.Projected, result.Conditional["text_embeds"]);
        Equal([64, 64, 0, 0, 6], result.Conditional["time_ids"]);
        Equal([64, 64, 0, 0, 2.5], result.Unconditional!["time_ids"]);
    }

    [Fact]
    public void Stable_diffusion_3_joins_three_models()
    {
        var (first, second) = AddTwoClips();
        var third = AddT5("text_encoder_3", "tokenizer_3");
        var contract = Contract(States(20), Pooled(9, "pooled_projections"));
        var result = fixture.Find(contract).Encode([Prompt]);
        Assert.Equal([1L, 77 + 256, 20], result.Conditional["encoder_hidden_states"].Dims.ToArray());
        var (one, two) = (first.Compute(ClipIds(Prompt)), second.Compute(ClipIds(Prompt, pad: 0)));
        Equal(
            [
                .. Beside((one.Hidden[^2], 6), (two.Hidden[^2], 8), (new double[77 * 6], 6)),
                .. third.Compute(T5Ids(Prompt, 256)).Last,
            ],
            result.Conditional["encoder_hidden_states"]
        );
        Equal([.. one.Projected, .. two.Projected], result.Conditional["pooled_projections"]);
        // No zeros here: an empty text has states.
        Equal(
            [.. first.Compute(ClipIds("")).Projected, .. second.Compute(ClipIds("", pad: 0)).Projected],
            result.Unconditional!["pooled_projections"]
        );
    }

    [Theory]
    [InlineData(null, 77 + 77)]
    [InlineData(77 + 10, 77 + 10)]
    public void Stable_diffusion_3_has_zeros_for_a_missing_t5(int? room, int length)
    {
        var (first, second) = AddTwoClips();
        var contract = Contract(States(20, room is { } r ? (Dimension)r : "sequence"), Pooled(9, "pooled_projections"));
        var result = fixture.Find(contract).Encode([Prompt]);
        Equal(
            [
                .. Beside(
                    (first.Compute(ClipIds(Prompt)).Hidden[^2], 6),
                    (second.Compute(ClipIds(Prompt, pad: 0)).Hidden[^2], 8),
                    (new double[77 * 6], 6)
                ),
                .. new double[(length - 77) * 20],
            ],
            result.Conditional["encoder_hidden_states"]
        );
    }

    [Theory]
    [InlineData(null, null, 512)]
    [InlineData(40, null, 40)]
    [InlineData(null, 48, 48)]
    public void Flux_takes_t5_states_and_a_pooled_vector(int? room, int? asked, int length)
    {
        var clip = new TinyTextEncoder { Seed = 7, GivesHidden = false };
        clip.Save(fixture.Folder, "text_encoder");
        fixture.AddClipTokenizer("tokenizer");
        var t5 = AddT5("text_encoder_2", "tokenizer_2", ElementType.Int64);
        var contract = Contract(
            States(20, room is { } r ? (Dimension)r : "sequence"),
            Pooled(6, "pooled_projections"),
            new("txt_ids", DenoiserRole.PositionIds, ElementType.Float, ["sequence", 3]),
            new("img_ids", DenoiserRole.PositionIds, ElementType.Float, ["patches", 3]),
            new("guidance", DenoiserRole.Guidance, ElementType.Float, ["batch"])
        );
        var result = fixture.Find(contract).Encode([Prompt, ""], options: new() { TextLength = asked });
        // Flux' pipeline lets T5 see the tokens that only fill up.
        Equal(
            [.. t5.Compute(T5Ids(Prompt, length)).Last, .. t5.Compute(T5Ids("", length)).Last],
            result.Conditional["encoder_hidden_states"]
        );
        Equal(
            [.. clip.Compute(ClipIds(Prompt)).Pooled, .. clip.Compute(ClipIds("")).Pooled],
            result.Conditional["pooled_projections"]
        );
        Assert.Equal([(long)length, 3], result.Conditional["txt_ids"].Dims.ToArray());
        Equal(new double[length * 3], result.Conditional["txt_ids"]);
        Assert.False(result.Conditional.ContainsKey("img_ids"));
    }

    [Fact]
    public void A_length_that_t5s_graph_fixes_counts()
    {
        new TinyTextEncoder { Seed = 7 }.Save(fixture.Folder, "text_encoder");
        fixture.AddClipTokenizer("tokenizer");
        var t5 = new TinyTextEncoder
        {
            Seed = 6,
            Width = 20,
            Rows = 640,
            Batch = 1,
            Length = 32,
            IdsType = ElementType.Int32,
        };
        t5.Save(fixture.Folder, "text_encoder_2");
        fixture.AddT5Tokenizer("tokenizer_2");
        var encoder = fixture.Find(Contract(States(20), Pooled(6, "pooled_projections")));
        Equal(t5.Compute(T5Ids(Prompt, 32)).Last, encoder.Encode([Prompt]).Conditional["encoder_hidden_states"]);
        var text = Faults.Expect("DQ1058", () => encoder.Encode([Prompt], options: new() { TextLength = 40 }));
        Assert.Contains("takes 32 tokens", text, StringComparison.Ordinal);
    }

    [Fact]
    public void All_states_of_clip_count_where_a_mask_is_asked_for()
    {
        new TinyTextEncoder { Seed = 1 }.Save(fixture.Folder, "text_encoder");
        fixture.AddClipTokenizer("tokenizer");
        DenoiserInput mask = new(
            "encoder_attention_mask",
            DenoiserRole.Mask,
            ElementType.Bool,
            ["batch", 1, "sequence"]
        );
        var result = fixture.Find(Contract(States(6), mask)).Encode([Prompt, ""]);
        Assert.Equal([2L, 1, 77], result.Conditional[mask.Name].Dims.ToArray());
        Equal(Enumerable.Repeat(1.0, 2 * 77), result.Conditional[mask.Name]);
    }

    [Theory]
    [InlineData("PixArtAlphaPipeline", 120)]
    [InlineData("PixArtSigmaPipeline", 300)]
    [InlineData(null, 120)]
    public void Pixart_takes_t5_states_and_a_mask(string? className, int length)
    {
        var t5 = AddT5("text_encoder", "tokenizer", ElementType.Int64);
        if (className is not null)
        {
            fixture.Folder.Write("model_index.json", $$"""{ "_class_name": "{{className}}" }""");
        }

        var contract = Contract(
            States(20),
            new("encoder_attention_mask", DenoiserRole.Mask, ElementType.Float, ["batch", "sequence"]),
            Pooled(2, "resolution"),
            Pooled(1, "aspect_ratio")
        );
        var result = fixture.Find(contract).Encode([$" {Prompt.ToUpperInvariant()} "]);
        var mask = T5Mask(Prompt, length);
        Equal(t5.Compute(T5Ids(Prompt, length), mask).Last, result.Conditional["encoder_hidden_states"]);
        Equal(mask.Select(m => (double)m), result.Conditional["encoder_attention_mask"]);
        Equal(T5Mask("", length).Select(m => (double)m), result.Unconditional!["encoder_attention_mask"]);
        Equal([64, 64], result.Conditional["resolution"]);
        Equal([1], result.Conditional["aspect_ratio"]);
        result.ToConditioningSet().Check(contract, withUnconditional: true);
    }

    private (TinyTextEncoder First, TinyTextEncoder Second) AddTwoClips()
    {
        var first = new TinyTextEncoder { Seed = 4, Projection = 4 };
        var second = new TinyTextEncoder
        {
            Seed = 5,
            Width = 8,
            Layers = 4,
            Projection = 5,
            GivesPooled = false,
        };
        first.Save(fixture.Folder, "text_encoder");
        second.Save(fixture.Folder, "text_encoder_2");
        fixture.AddClipTokenizer("tokenizer");
        fixture.AddClipTokenizer("tokenizer_2", pad: "!");
        return (first, second);
    }

    private TinyTextEncoder AddT5(string encoder, string tokenizer, ElementType? mask = null)
    {
        var t5 = new TinyTextEncoder
        {
            Seed = 6,
            Width = 20,
            Rows = 640,
            Layers = 2,
            Places = 512,
            GivesHidden = false,
            GivesPooled = false,
            MaskType = mask,
        };
        t5.Save(fixture.Folder, encoder);
        fixture.AddT5Tokenizer(tokenizer);
        return t5;
    }
}
