using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Blocks;
using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Tests.Blocks;

/// <summary>The blocks of networks of the common families, under any names.</summary>
public class NetworkPartitionTests
{
    private const string TinyUNet =
        "TimeEmbedding 10, Layer 1, Residual 2, Layer 1, Residual 3, Attention 6, Residual 2, Attention 6, Residual 2, "
        + "Residual 3, Attention 6, Residual 3, Attention 6, Layer 1, Residual 3, Residual 3, Layer 1";

    private const string DiffusersUNet =
        "TimeEmbedding 5, Layer 1, Residual 2, Layer 1, Transformer 14, Transformer 14, Layer 1, Residual 2, Residual 3, "
        + "Layer 1";

    private const string Dit = "Layer 1, TimeEmbedding 4, Transformer 8, Layer 1";

    public static TheoryData<string> Names => [.. Networks.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Units_hold_each_layer_once_and_can_be_computed_in_order(string network)
    {
        var graph = Networks.All[network]();
        UnitChecks.Check(graph, UnitChecks.Find(graph));
    }

    [Theory]
    [InlineData("ddpm", TinyUNet)]
    [InlineData("ddpm-half", TinyUNet)]
    [InlineData("ddpm-numbered", TinyUNet)]
    [InlineData("diffusers-unet", DiffusersUNet)]
    [InlineData("diffusers-unet-decomposed", DiffusersUNet)]
    [InlineData("vae-decoder", "Layer 1, Residual 2, Attention 6, Residual 2, Layer 1, Residual 2, Layer 1")]
    [InlineData("dit", Dit)]
    [InlineData("dit-decomposed", Dit)]
    [InlineData("dit-flat", Dit)]
    [InlineData("mmdit", "TimeEmbedding 8, Layer 1, Layer 1, Transformer 14, Transformer 14, Transformer 11, Layer 1")]
    [InlineData("parallel", "Layer 1, TimeEmbedding 2, Transformer 8, Transformer 8, Layer 1")]
    [InlineData("adapters", "Layer 1, TimeEmbedding 2, Transformer 20, Layer 1")]
    [InlineData("masked", "Layer 1, TimeEmbedding 2, Attention 6, Attention 6, Layer 1")]
    [InlineData("global-residual", "TimeEmbedding 5, Layer 1, Residual 2, Residual 2, Layer 1, Residual 2, Layer 1")]
    public void Blocks_are_those_of_the_network(string network, string expected) =>
        Assert.Equal(expected, UnitChecks.Words(UnitChecks.Find(Networks.All[network]())));

    [Fact]
    public void The_sample_model_has_the_blocks_that_it_was_built_of()
    {
        var units = UnitChecks.Find(Networks.SampleModel());
        string[] expected =
        [
            "time-embedding TimeEmbedding 13",
            "/conv_in/Conv Layer 1",
            "/down.0.0 Residual 2",
            "/down.1.0/Conv Layer 1",
            "/down.2.0 Residual 3",
            "/down.2.1 Attention 6",
            "/down.3.0/Conv Layer 1",
            "/down.4.0 Residual 3",
            "/mid1 Residual 2",
            "/mid_attention Attention 6",
            "/mid2 Residual 2",
            "/up.0.0 Residual 3",
            "/up.1.0 Residual 3",
            "/up.2.1/Conv Layer 1",
            "/up.3.0 Residual 3",
            "/up.3.1 Attention 6",
            "/up.4.0 Residual 3",
            "/up.4.1 Attention 6",
            "/up.5.1/Conv Layer 1",
            "/up.6.0 Residual 3",
            "/up.7.0 Residual 3",
            "/conv_out/Conv Layer 1",
        ];
        Assert.Equal(expected, units.Select(u => $"{u.Name} {u.Kind} {u.Layers.Count}"));
    }

    [Fact]
    public void Names_change_nothing_but_the_units_names()
    {
        Func<NameStyle, OnnxGraph>[] networks =
        [
            s => Networks.Normal(DdpmUNet.Build(DdpmUNetSettings.Tiny with { NameStyle = s })),
            s => Networks.DiffusersUNet(s),
            s => Networks.Mmdit(s),
        ];
        foreach (var build in networks)
        {
            var scoped = build(NameStyle.Scoped);
            var expected = Places(scoped);
            Assert.Equal(expected, Places(build(NameStyle.Dynamo)));
            Assert.Equal(expected, Places(build(NameStyle.Numbered)));

            // Scopes that lie: every node in one of two, by turns.
            for (var i = 0; i < scoped.Nodes.Count; i++)
            {
                scoped.Nodes[i].Name = $"/unet/down_blocks.{i % 2}/resnets.0/node{i}";
            }

            Assert.Equal(expected, Places(scoped));
        }

        static IEnumerable<string> Places(OnnxGraph graph)
        {
            var layers = UnitChecks.Layers(graph);
            return UnitChecks
                .Find(graph)
                .Select(u => $"{u.Kind} {string.Join(' ', u.Layers.Select(l => Array.IndexOf(layers, l)))}");
        }
    }

    [Fact]
    public void Units_are_called_after_their_scope_or_their_kind()
    {
        Assert.Equal(
            [
                "time-embedding",
                "/conv_in/Conv",
                "/down_blocks.0/resnets.0",
                "/mid_block/attentions.0/proj_in/Conv",
                "/mid_block/attentions.0/transformer_blocks.0",
                "/mid_block/attentions.0/transformer_blocks.1",
                "/mid_block/attentions.0/proj_out/Conv",
                "/mid_block/resnets.1",
                "/up_blocks.0/resnets.0",
                "/conv_out/Conv",
            ],
            UnitChecks.Find(Networks.DiffusersUNet()).Select(u => u.Name)
        );
        var numbered = UnitChecks.Find(Networks.DiffusersUNet(NameStyle.Numbered));
        Assert.Equal(
            ["time-embedding", "residual-1", "transformer-1", "transformer-2", "residual-2", "residual-3"],
            numbered.Where(u => u.Kind != BlockKind.Layer).Select(u => u.Name)
        );
    }

    [Fact]
    public void A_block_reads_what_others_know_too()
    {
        var graph = Networks.DiffusersUNet();
        var units = UnitChecks.Find(graph).ToDictionary(u => u.Name);
        var time = "/up_blocks.0/resnets.0/time_emb_proj/Gemm_output_0";
        Assert.Equal(
            [.. units["/mid_block/resnets.1"].Outputs, "/conv_in/Conv_output_0", time],
            units["/up_blocks.0/resnets.0"].Inputs
        );
        Assert.Equal(["timestep"], units["time-embedding"].Inputs);
        Assert.Contains(time, units["time-embedding"].Outputs);
        Assert.Contains("encoder_hidden_states", units["/mid_block/attentions.0/transformer_blocks.1"].Inputs);
    }

    [Theory]
    [InlineData("ddpm")]
    [InlineData("sample-model")]
    public void Splitting_shortcuts_makes_no_other_blocks(string network)
    {
        var graph = Networks.All[network]();
        var before = UnitChecks.Find(graph);
        Assert.True(SplitShortcuts.Apply(new(graph) { Opset = 17, IrVersion = 8 }) > 0);
        var after = UnitChecks.Find(graph);
        UnitChecks.Check(graph, after);
        Assert.Equal(before.Select(u => (u.Name, u.Kind)), after.Select(u => (u.Name, u.Kind)));
        Assert.Equal(before.Select(u => u.Inputs.Order()), after.Select(u => u.Inputs.Order()));
        Assert.Equal(before.Select(u => u.Outputs), after.Select(u => u.Outputs));
    }

    [Fact]
    public void A_layer_that_shapes_alone_lead_to_belongs_to_one_unit()
    {
        // A table of positions that a layer turns into a bias, computed anew for each shape of the sample.
        var b = new GraphBuilder();
        var parts = new NetworkParts(b);
        var x = b.Input("sample", ElementType.Float, "batch", 8, 8, 8);
        var table = b.Op("ConstantOfShape", b.Op("Shape", x));
        var h = parts.Residual("block", x + parts.Conv("positions", table), null);
        h = parts.Residual("other", h + parts.Conv("shared", table), null);
        b.Output(h, "y", ElementType.Float, "batch", 8, 8, 8);
        var graph = Networks.Normal(b.Build());
        var units = UnitChecks.Find(graph);
        UnitChecks.Check(graph, units);
        Assert.Equal("Layer 1, Residual 2, Layer 1, Residual 2", UnitChecks.Words(units));
        Assert.Equal(["sample"], units[0].Inputs);
    }
}
