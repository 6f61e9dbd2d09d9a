using DiffusionQuant.Onnx;
using static DiffusionQuant.Diffusion.Tests.Text.TextFixture;

namespace DiffusionQuant.Diffusion.Tests.Text;

public sealed class PromptEncoderTests : IDisposable
{
    private readonly TextFixture fixture = new();

    public void Dispose() => fixture.Dispose();

    [Fact]
    public void A_model_without_text_or_a_folder_without_text_encoders_has_none()
    {
        Assert.Null(PromptEncoder.Find(fixture.Folder.Path, Contract(States(6))));
        Add(new() { Seed = 1 });
        Assert.Null(PromptEncoder.Find(fixture.Folder.Path, Contract()));
        Assert.NotNull(PromptEncoder.Find(fixture.Folder.Path, Contract(States(6))));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Networks_are_loaded_for_a_prompt_and_let_go(bool keepLoaded)
    {
        Add(new() { Seed = 1 });
        var encoder = fixture.Find(Contract(States(6)), new() { KeepLoaded = keepLoaded });
        Assert.False(encoder.IsLoaded);
        var first = encoder.Encode([Prompt]);
        Assert.Equal(keepLoaded, encoder.IsLoaded);
        encoder.Unload();
        Assert.False(encoder.IsLoaded);
        var second = encoder.Encode(["blue", Prompt]);
        var row = first.Conditional["encoder_hidden_states"].Data;
        Assert.Equal(row.ToArray(), second.Conditional["encoder_hidden_states"].Data[row.Length..].ToArray());
        encoder.Dispose();
        Assert.False(encoder.IsLoaded);
    }

    [Fact]
    public void Equal_prompts_are_encoded_once_and_a_long_one_is_reported_once()
    {
        Add(new() { Seed = 1 });
        var longPrompt = string.Join(' ', Enumerable.Repeat("red", 80));
        var result = fixture.Find(Contract(States(6))).Encode([longPrompt, longPrompt, Prompt]);
        var warning = Assert.Single(result.Warnings);
        Assert.Contains("text_encoder takes 77 tokens", warning, StringComparison.Ordinal);
        Assert.Contains("the last 5", warning, StringComparison.Ordinal);
        Assert.Contains(longPrompt, warning, StringComparison.Ordinal);
    }

    [Fact]
    public void A_prompt_that_equals_the_negative_one_can_be_guided()
    {
        Add(new() { Seed = 1 });
        var contract = Contract(States(6));
        fixture.Find(contract).Encode([""]).ToConditioningSet().Check(contract, withUnconditional: true);
    }

    // Names of TensorRT's demo, of Qualcomm's AI Hub, and of an exporter that numbers its outputs.
    [Theory]
    [InlineData("input_ids", "text_embeddings")]
    [InlineData("tokens", "text_embedding")]
    [InlineData("input.1", "1289")]
    public void States_are_found_by_shape_where_names_do_not_tell(string ids, string states)
    {
        var encoder = new TinyTextEncoder
        {
            Seed = 1,
            IdsName = ids,
            LastName = states,
            GivesHidden = false,
            GivesPooled = false,
        };
        Add(encoder);
        var result = fixture.Find(Contract(States(6))).Encode([Prompt]);
        Equal(encoder.Compute(ClipIds(Prompt)).Last, result.Conditional["encoder_hidden_states"]);
    }

    [Theory]
    [InlineData("hidden_states.{0}", true)]
    [InlineData("hidden_states_{0}", true)]
    [InlineData("encoder_hidden_state{0}", true)]
    [InlineData("hidden_states.{0}", false)]
    public void Layers_are_found_by_number(string name, bool knowsShapes)
    {
        var encoder = new TinyTextEncoder
        {
            Seed = 1,
            Layers = 11,
            Projection = 5,
            KnowsShapes = knowsShapes,
            HiddenName = n => string.Format(System.Globalization.CultureInfo.InvariantCulture, name, n),
        };
        Add(encoder, """{ "num_hidden_layers": 11, "hidden_size": 6, "projection_dim": 5 }""");
        var result = fixture.Find(Contract(States(6), Pooled(5), TimeIds(6))).Encode([Prompt]);
        var expected = encoder.Compute(ClipIds(Prompt));
        Equal(expected.Hidden[^2], result.Conditional["encoder_hidden_states"]);
        Equal(expected.Projected, result.Conditional["text_embeds"]);
    }

    [Fact]
    public void A_tokenizer_may_lie_beside_the_parts()
    {
        new TinyTextEncoder { Seed = 1 }.Save(fixture.Folder, "text_encoder");
        fixture.AddClipTokenizer(".");
        Assert.NotNull(PromptEncoder.Find(fixture.Folder.Path, Contract(States(6))));
    }

    [Fact]
    public void A_missing_tokenizer_is_named()
    {
        new TinyTextEncoder { Seed = 1 }.Save(fixture.Folder, "text_encoder");
        var text = Faults.Expect("DQ1061", () => fixture.Find(Contract(States(6))));
        Assert.Contains(fixture.Folder.At("tokenizer"), text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(600)]
    [InlineData(5000)]
    public void A_tokenizer_of_another_model_is_refused(int rows)
    {
        Add(new() { Seed = 1, Rows = rows });
        var text = Faults.Expect("DQ1063", () => fixture.Find(Contract(States(6))));
        Assert.Contains($"604 tokens", text, StringComparison.Ordinal);
        Assert.Contains($"{rows} rows", text, StringComparison.Ordinal);
        Assert.Contains("vocab.json", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_width_than_the_denoisers_is_refused()
    {
        Add(new() { Seed = 1 });
        var text = Faults.Expect("DQ1065", () => fixture.Find(Contract(States(8))));
        Assert.Contains("width of 6", text, StringComparison.Ordinal);
        Assert.Contains("takes 8", text, StringComparison.Ordinal);
        Assert.Contains("denoiser.onnx", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("length", 154)]
    [InlineData("77", 64)]
    public void Another_number_of_states_than_the_denoisers_is_refused(string length, int room)
    {
        Add(new() { Seed = 1, Length = length == "77" ? 77 : length });
        var text = Faults.Expect("DQ1065", () => fixture.Find(Contract(States(6, room))));
        Assert.Contains("gives 77 states", text, StringComparison.Ordinal);
        Assert.Contains($"room for {room}", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_is_cut_to_the_states_that_a_denoiser_has_room_for()
    {
        var encoder = new TinyTextEncoder { Seed = 1 };
        Add(encoder);
        var result = fixture.Find(Contract(States(6, 12))).Encode([Prompt]);
        Equal(encoder.Compute(ClipIds(Prompt, 12)).Last, result.Conditional["encoder_hidden_states"]);
    }

    [Fact]
    public void Missing_layers_are_named_before_a_network_is_loaded()
    {
        Add(
            new()
            {
                Seed = 1,
                GivesHidden = false,
                Projection = 5,
            }
        );
        var text = Faults.Expect("DQ1064", () => fixture.Find(Contract(States(6), Pooled(5), TimeIds(6))));
        Assert.Contains("hidden state 2 from the end", text, StringComparison.Ordinal);
        Assert.Contains("its outputs are", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_projection_is_named()
    {
        new TinyTextEncoder { Seed = 1 }.Save(fixture.Folder, "text_encoder");
        new TinyTextEncoder { Seed = 2, GivesPooled = false }.Save(fixture.Folder, "text_encoder_2");
        fixture.AddClipTokenizer("tokenizer");
        fixture.AddClipTokenizer("tokenizer_2");
        var text = Faults.Expect("DQ1064", () => fixture.Find(Contract(States(12), Pooled(5), TimeIds(6))));
        Assert.Contains("text_embeds", text, StringComparison.Ordinal);
        Assert.Contains("text_encoder_2", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_encoder_is_named()
    {
        Add(new() { Seed = 1 });
        var text = Faults.Expect("DQ1065", () => fixture.Find(Contract(States(20), Pooled(6, "pooled_projections"))));
        Assert.Contains("T5", text, StringComparison.Ordinal);
        Assert.Contains("text_encoder (CLIP, width 6)", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_graph_that_takes_no_tokens_is_no_text_encoder()
    {
        var graph = new OnnxGraph { Name = "vae" };
        graph.Inputs.Add(new("sample", ElementType.Float, ["n", 4, 8, 8]));
        graph.Outputs.Add(new("out", ElementType.Float, ["n", 4, 8, 8]));
        graph.Nodes.Add(new("Identity", ["sample"], ["out"]));
        new OnnxModel(graph) { Opset = 17 }.Save(fixture.Folder.At("text_encoder/model.onnx"));
        fixture.AddClipTokenizer("tokenizer");
        var text = Faults.Expect("DQ1064", () => fixture.Find(Contract(States(6))));
        Assert.Contains("sample", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_out_of_range_are_refused()
    {
        Add(new() { Seed = 1 });
        var encoder = fixture.Find(Contract(States(6)));
        Faults.Expect("DQ1058", () => encoder.Encode([]));
        Faults.Expect("DQ1058", () => encoder.Encode([Prompt, Prompt], ["a", "b", "c"]));
        Faults.Expect("DQ1058", () => encoder.Encode([Prompt], options: new() { ClipSkip = -1 }));
        Faults.Expect("DQ1058", () => encoder.Encode([Prompt], options: new() { TextLength = 0 }));
        Faults.Expect("DQ1058", () => encoder.Encode([Prompt], options: new() { ImageSize = (0, 8) }));
        Faults.Expect("DQ1064", () => encoder.Encode([Prompt], options: new() { ClipSkip = 12 }));
    }

    [Fact]
    public void It_stops_when_cancelled()
    {
        Add(new() { Seed = 1 });
        var encoder = fixture.Find(Contract(States(6)));
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => encoder.Encode([Prompt], cancellation: source.Token));
        Assert.False(encoder.IsLoaded);
    }

    private void Add(TinyTextEncoder encoder, string? config = null)
    {
        encoder.Save(fixture.Folder, "text_encoder", config);
        fixture.AddClipTokenizer("tokenizer");
    }
}
