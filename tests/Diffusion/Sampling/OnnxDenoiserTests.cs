using DiffusionQuant.Diffusion.Tests.Models;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion.Tests.Sampling;

public sealed class OnnxDenoiserTests
{
    public static TheoryData<ElementType, string> TimestepKinds()
    {
        var data = new TheoryData<ElementType, string>();
        foreach (var type in new[] { ElementType.Int64, ElementType.Int32, ElementType.Float, ElementType.Float16 })
        {
            foreach (var shape in new[] { "", "1", "N", "N,1", "1,1" })
            {
                data.Add(type, shape);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(TimestepKinds))]
    public void Timesteps_of_every_type_and_rank(ElementType type, string dims)
    {
        var shape = new TensorShape(
            dims.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(d => d == "1" ? Dimension.Of(1) : "batch")
        );
        using var denoiser = Load(new TinyDenoiser { TimestepType = type, TimestepShape = shape });
        Assert.Equal(dims.Length == 0 || dims[0] == '1', denoiser.Contract.TimestepIsShared);
        Assert.Equal(
            [999, 999],
            FirstPixels(
                denoiser,
                new()
                {
                    Count = 2,
                    Samples = new float[8],
                    Timesteps = [999],
                }
            )
        );
        Assert.Equal(
            [999, 0, 501],
            FirstPixels(
                denoiser,
                new()
                {
                    Count = 3,
                    Samples = new float[12],
                    Timesteps = [999, 0, 501],
                }
            )
        );
    }

    [Theory]
    [InlineData(ElementType.Int64, true, new[] { 815f, 815, -1, 0 })]
    [InlineData(ElementType.Int32, false, new[] { 815f, 815, -1, 0 })]
    [InlineData(ElementType.Float, true, new[] { 815.0175f, 815.5f, -1.55f, 0.25f })]
    [InlineData(ElementType.Float, false, new[] { 815.0175f, 815.5f, -1.55f, 0.25f })]
    [InlineData(ElementType.Float16, false, new[] { 815f, 815.5f, -1.5498047f, 0.25f })]
    public void Only_inputs_of_whole_numbers_get_timesteps_truncated(ElementType type, bool shared, float[] expected)
    {
        TensorShape shape = shared ? [] : ["batch"];
        using var denoiser = Load(new TinyDenoiser { TimestepType = type, TimestepShape = shape });
        double[] timesteps = [815.0175, 815.5, -1.55, 0.25];
        var call = new DenoiserCall
        {
            Count = 4,
            Samples = new float[16],
            Timesteps = timesteps,
        };
        Assert.Equal(expected, FirstPixels(denoiser, call));
        Assert.Equal(expected, timesteps.Select(t => (float)denoiser.Contract.Fed(t)));
    }

    [Theory]
    [InlineData(ElementType.Float16)]
    [InlineData(ElementType.Float)]
    [InlineData(ElementType.Double)]
    public void Samples_of_every_float_type(ElementType type)
    {
        using var denoiser = Load(new TinyDenoiser { SampleType = type });
        var call = new DenoiserCall
        {
            Count = 2,
            Samples = [1, 2, 3, 4, 5, 6, 7, 8],
            Timesteps = [0],
        };
        Assert.Equal(call.Samples, denoiser.Predict(call));
    }

    [Fact]
    public void A_fixed_batch_is_filled_and_split()
    {
        using var denoiser = Load(new TinyDenoiser { SampleShape = [2, 1, 2, 2], TimestepShape = [2] });
        var call = new DenoiserCall
        {
            Count = 5,
            Samples = new float[20],
            Timesteps = [1, 2, 3, 4, 5],
        };
        Assert.Equal([1, 2, 3, 4, 5], FirstPixels(denoiser, call));
        var padded = new List<int>();
        denoiser.Predict(call, [], run => padded.Add(run.PaddedRows));
        Assert.Equal([0, 0, 1], padded);
    }

    [Fact]
    public void A_fixed_batch_repeats_the_conditioning_of_a_single_sample()
    {
        var tiny = new TinyDenoiser { SampleShape = [2, 1, 2, 2], TextName = "text" };
        using var denoiser = Load(tiny);
        var text = OnnxTensor.Of("", new[] { 3f, 5 }, 1, 1, 2);
        var call = new DenoiserCall
        {
            Count = 1,
            Samples = new float[4],
            Timesteps = [1],
            Conditioning = new Dictionary<string, OnnxTensor> { ["text"] = text },
        };
        var rows = 0L;
        denoiser.Predict(call, [], run => rows = run.Call.Conditioning["text"].Dims[0]);
        Assert.Equal(2, rows);
        Assert.Equal([5], FirstPixels(denoiser, call));
    }

    [Fact]
    public void Labels_and_conditioning_reach_their_inputs()
    {
        using var denoiser = Load(new TinyDenoiser { LabelName = "class_labels", TextName = "encoder_hidden_states" });
        var call = new DenoiserCall
        {
            Count = 2,
            Samples = new float[8],
            Timesteps = [5],
            ClassLabels = [3, 7],
            Conditioning = new Dictionary<string, OnnxTensor>
            {
                ["encoder_hidden_states"] = OnnxTensor.Of("", new[] { 10f, 30, 50, 70 }, 2, 1, 2),
            },
        };
        Assert.Equal([3025, 7065], FirstPixels(denoiser, call));
        Assert.Equal([7065, 3025, 7065], FirstPixels(denoiser, call.Take(1, 0, 1)));
        Faults.Expect("DQ1050", () => denoiser.Predict(call with { ClassLabels = null }));
    }

    [Fact]
    public void Scaled_timesteps()
    {
        using var denoiser = Load(new TinyDenoiser { TimestepType = ElementType.Float, TimestepFactor = 1000 });
        Close.All(
            [250],
            FirstPixels(
                denoiser,
                new()
                {
                    Count = 1,
                    Samples = new float[4],
                    Timesteps = [250],
                }
            ),
            1e-6
        );
    }

    [Fact]
    public void An_observer_sees_extra_outputs_of_this_call_only()
    {
        var model = new TinyDenoiser().Build();
        var contract = DenoiserContract.Of(model);
        model.Graph.Outputs.Add(new("features", ElementType.Float, null));
        using var session = ModelSession.Load(model);
        using var denoiser = new OnnxDenoiser(session, contract);
        var call = new DenoiserCall
        {
            Count = 1,
            Samples = [1, 2, 3, 4],
            Timesteps = [7],
        };
        float[]? features = null;
        Assert.Equal(
            [8, 9, 10, 11],
            denoiser.Predict(call, ["features"], run => features = Tensors.ToFloats(run.Outputs["features"]))
        );
        Assert.Equal(call.Samples, features);
        denoiser.Predict(call, [], run => Assert.Equal(1, run.Outputs.Count));
    }

    [Fact]
    public void An_output_of_another_size_than_declared()
    {
        using var denoiser = Load(
            new TinyDenoiser { SampleShape = ["batch", 1, "h", "w"], OutputShape = ["batch", "c", "h", "w"] },
            new() { SampleSize = (2, 2) }
        );
        var wrong = new OnnxDenoiser(denoiser.Session, denoiser.Contract with { OutputChannels = 2 });
        Faults.Expect(
            "DQ1057",
            () =>
                wrong.Predict(
                    new()
                    {
                        Count = 1,
                        Samples = new float[4],
                        Timesteps = [7],
                    }
                )
        );
    }

    private static OnnxDenoiser Load(TinyDenoiser tiny, ModelOptions? options = null)
    {
        var model = tiny.Build();
        return new(ModelSession.Load(model), DenoiserContract.Of(model, options), ownsSession: true);
    }

    /// <summary>The first number of each sample's prediction.</summary>
    private static float[] FirstPixels(OnnxDenoiser denoiser, DenoiserCall call) =>
        [.. denoiser.Predict(call).Chunk(denoiser.Contract.SampleShape.Length).Select(p => p[0])];
}
