using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion.Tests.Models;

public sealed class DenoiserContractTests
{
    private static readonly TensorShape Symbolic = ["batch", "channels", "height", "width"];

    [Fact]
    public void Stable_Diffusion_names()
    {
        var contract = DenoiserContract.Of(
            new TinyDenoiser
            {
                SampleShape = ["batch", 4, 64, 64],
                TimestepShape = [1],
                TextName = "encoder_hidden_states",
            }.Build()
        );
        Assert.Equal(("sample", "timestep"), (contract.Sample.Name, contract.Timestep.Name));
        Assert.Equal(
            [new("encoder_hidden_states", DenoiserRole.TextStates, ElementType.Float, ["batch", "sequence", 2])],
            contract.Conditioning
        );
        Assert.Equal(new(4, 64, 64), contract.SampleShape);
        Assert.True(contract.TimestepIsShared);
        Assert.Null(contract.FixedBatch);
    }

    [Fact]
    public void SimpleDiT_names()
    {
        var contract = DenoiserContract.Of(
            new TinyDenoiser
            {
                SampleName = "zt",
                SampleShape = [1, 4, 32, 32],
                TimestepName = "t",
                TimestepType = ElementType.Float,
                TimestepShape = [1],
                LabelName = "cond",
                LabelRows = 11,
            }.Build()
        );
        Assert.Equal(("zt", "t", "cond"), (contract.Sample.Name, contract.Timestep.Name, contract.ClassLabel!.Name));
        Assert.Equal(1, contract.FixedBatch);
        Assert.Equal(11, contract.ClassCount);
        Assert.Null(contract.TimestepRows);
    }

    [Fact]
    public void Numbered_inputs_and_a_learned_table()
    {
        var contract = DenoiserContract.Of(
            new TinyDenoiser
            {
                SampleName = "input",
                SampleShape = [1, 1, 28, 28],
                TimestepName = "input.1",
                TimestepShape = [1, 1],
                TimestepRows = 1000,
            }.Build()
        );
        Assert.Equal(("input", "input.1"), (contract.Sample.Name, contract.Timestep.Name));
        Assert.Equal(1000, contract.TimestepRows);
    }

    [Fact]
    public void A_learned_table_that_is_stored_quantized()
    {
        var model = new TinyDenoiser { TimestepName = "input.1", TimestepRows = 4 }.Build();
        model.Graph.Initializers.Remove("time_table");
        model.Graph.Add(OnnxTensor.Of("table_bytes", new sbyte[] { 0, 1, 2, 3 }, 4, 1));
        model.Graph.Add(OnnxTensor.Scalar("table_scale", 1f));
        model.Graph.Nodes.Insert(0, new("DequantizeLinear", ["table_bytes", "table_scale"], ["time_table"]));
        Assert.Equal(4, DenoiserContract.Of(model).TimestepRows);
    }

    [Fact]
    public void Structure_tells_the_timestep_apart_from_a_label_where_names_do_not()
    {
        var contract = DenoiserContract.Of(
            new TinyDenoiser
            {
                SampleName = "input.5",
                TimestepName = "input.7",
                TimestepRows = 1000,
                LabelName = "input.6",
            }.Build()
        );
        Assert.Equal("input.7", contract.Timestep.Name);
        Assert.Equal("input.6", contract.ClassLabel!.Name);
        Assert.Equal(10, contract.ClassCount);
    }

    [Fact]
    public void Order_of_the_inputs_does_not_matter() =>
        Assert.Equal(
            "x_t",
            DenoiserContract.Of(new TinyDenoiser { SampleName = "x_t", TimestepFirst = true }.Build()).Sample.Name
        );

    [Theory]
    [InlineData("added_cond_kwargs.text_embeds", ElementType.Float, new long[] { 1, 1280 }, DenoiserRole.PooledText)]
    [InlineData("added_cond_kwargs.time_ids", ElementType.Float, new long[] { 1, 6 }, DenoiserRole.TimeIds)]
    [InlineData("timestep_cond", ElementType.Float, new long[] { 1, 256 }, DenoiserRole.TimestepCondition)]
    [InlineData("encoder_attention_mask", ElementType.Int64, new long[] { 1, 77 }, DenoiserRole.Mask)]
    [InlineData("guidance", ElementType.Float, new long[] { 1 }, DenoiserRole.Guidance)]
    [InlineData("img_ids", ElementType.Float, new long[] { 64, 3 }, DenoiserRole.PositionIds)]
    [InlineData(
        "mid_block_additional_residual",
        ElementType.Float,
        new long[] { 1, 1280, 8, 8 },
        DenoiserRole.ControlResidual
    )]
    [InlineData("class_labels", ElementType.Int64, new long[] { 1 }, DenoiserRole.ClassLabel)]
    [InlineData("controlnet_cond", ElementType.Float, new long[] { 1, 3, 512, 512 }, DenoiserRole.Other)]
    public void Other_roles(string name, ElementType type, long[] dims, DenoiserRole role)
    {
        var contract = DenoiserContract.Of(
            new TinyDenoiser { UnusedInputs = [new(name, type, TensorShape.Of(dims))] }.Build()
        );
        Assert.Equal(role, contract.Inputs.Single(i => i.Name == name).Role);
    }

    [Fact]
    public void A_predicted_variance_doubles_the_channels()
    {
        var contract = DenoiserContract.Of(
            new TinyDenoiser { SampleShape = ["batch", 4, 8, 8], OutputShape = ["batch", 8, 8, 8] }.Build()
        );
        Assert.True(contract.PredictsVariance);
        Assert.Equal(8, contract.OutputChannels);
    }

    [Fact]
    public void Sizes_come_from_options_by_name_or_by_meaning()
    {
        var model = new TinyDenoiser { SampleShape = Symbolic }.Build();
        Assert.Equal(new(1, 32, 48), DenoiserContract.Of(model, new() { SampleSize = (32, 48) }).SampleShape);
        var byName = new ModelOptions
        {
            Dimensions = new Dictionary<string, int> { ["height"] = 8, ["width"] = 16 },
        };
        Assert.Equal(new(1, 8, 16), DenoiserContract.Of(model, byName).SampleShape);
    }

    [Fact]
    public void A_size_that_nothing_tells()
    {
        var message = Faults.Expect(
            "DQ1044",
            () => DenoiserContract.Of(new TinyDenoiser { SampleShape = Symbolic }.Build())
        );
        Assert.Contains("'height'", message);
        Assert.Contains("sample_size", message);
    }

    [Fact]
    public void A_graph_that_multiplies_by_1000_wants_timesteps_below_one()
    {
        var scaled = new TinyDenoiser { TimestepType = ElementType.Float, TimestepFactor = 1000 };
        Assert.Equal(0.001, DenoiserContract.Of(scaled.Build()).TimestepScale);
        Assert.Equal(1, DenoiserContract.Of((scaled with { TimestepFactor = 1 }).Build()).TimestepScale);
    }

    [Fact]
    public void Roles_can_be_given()
    {
        var model = new TinyDenoiser
        {
            SampleName = "foo",
            TimestepName = "bar",
            TimestepRows = 10,
            LabelName = "baz",
        }.Build();
        var roles = new Dictionary<string, DenoiserRole>
        {
            ["baz"] = DenoiserRole.Timestep,
            ["bar"] = DenoiserRole.ClassLabel,
        };
        var contract = DenoiserContract.Of(model, new() { InputRoles = roles });
        Assert.Equal(("foo", "baz", "bar"), (contract.Sample.Name, contract.Timestep.Name, contract.ClassLabel!.Name));
    }

    [Fact]
    public void Roles_that_do_not_fit()
    {
        var model = new TinyDenoiser { LabelName = "y" }.Build();
        ModelOptions Roles(params (string Name, DenoiserRole Role)[] roles) =>
            new() { InputRoles = roles.ToDictionary(r => r.Name, r => r.Role) };
        var message = Faults.Expect("DQ1043", () => DenoiserContract.Of(model, Roles(("nosuch", DenoiserRole.Sample))));
        Assert.Contains("sample: Float[batch,1,2,2]", message);
        Faults.Expect(
            "DQ1043",
            () => DenoiserContract.Of(model, Roles(("y", DenoiserRole.Timestep), ("timestep", DenoiserRole.Timestep)))
        );
    }

    [Fact]
    public void Two_inputs_that_are_as_much_a_timestep()
    {
        var model = new TinyDenoiser
        {
            SampleName = "input",
            TimestepName = "input.1",
            TimestepRows = 10,
            LabelName = "input.2",
        }.Build();
        var message = Faults.Expect("DQ1042", () => DenoiserContract.Of(model));
        Assert.Contains("'input.1' and 'input.2'", message);
    }

    [Fact]
    public void Channels_that_the_output_lacks_are_extra()
    {
        var contract = DenoiserContract.Of(
            new TinyDenoiser { SampleShape = ["batch", 9, 8, 8], OutputShape = ["batch", 4, 8, 8] }.Build()
        );
        Assert.Equal((new(4, 8, 8), 5), (contract.SampleShape, contract.ExtraChannels));
        Assert.Equal($"{contract.Sample.Name}_extra", contract.Conditioning.Single().Name);
    }

    [Fact]
    public void More_channels_than_the_sample_and_its_variance_are_refused() =>
        Faults.Expect(
            "DQ1057",
            () =>
                DenoiserContract.Of(
                    new TinyDenoiser { SampleShape = ["batch", 4, 8, 8], OutputShape = ["batch", 9, 8, 8] }.Build()
                )
        );
}
