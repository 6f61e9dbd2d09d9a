namespace DiffusionQuant.Diffusion.Tests.Models;

public sealed class DiffusionModelTests
{
    private const string Scheduler = """{"_class_name":"DDIMScheduler","num_train_timesteps":20}""";

    [Fact]
    public void The_sample_model()
    {
        var model = DiffusionModel.Load(Repository.SampleModel);
        Assert.Equal(Repository.SampleModel, model.Folder);
        Assert.Equal(PredictionType.Velocity, model.Schedule.Prediction);
        Assert.Equal(new(1, 32, 32), model.SampleShape);
        Assert.Equal(
            ("sample", "timestep", "out_sample"),
            (model.Contract.Sample.Name, model.Contract.Timestep.Name, model.Contract.Output.Name)
        );
        Assert.False(model.Contract.TimestepIsShared);
        Assert.Null(model.VaeDecoderPath);
    }

    [Theory]
    [InlineData("unet/model.onnx", "scheduler/scheduler_config.json", "")]
    [InlineData("transformer/model.onnx", "scheduler/scheduler_config.json", "")]
    [InlineData("unet/model.onnx", "scheduler/scheduler_config.json", "unet")]
    [InlineData("unet/model.onnx", "scheduler/scheduler_config.json", "unet/model.onnx")]
    [InlineData("unet/int8/model.onnx", "scheduler/scheduler_config.json", "unet/int8")]
    [InlineData("model.onnx", "scheduler_config.json", "")]
    [InlineData("model.onnx", "scheduler_config.json", "model.onnx")]
    [InlineData("anything.onnx", "scheduler_config.json", "")]
    [InlineData("unet/tiny.onnx", "scheduler/scheduler_config.json", "")]
    public void Layouts(string modelFile, string schedulerFile, string given)
    {
        using var folder = new TemporaryFolder();
        new TinyDenoiser().Build().Save(folder.At(modelFile));
        folder.Write(schedulerFile, Scheduler);
        var model = DiffusionModel.Load(Path.Combine(folder.Path, given));
        Assert.Equal(folder.At(modelFile), Path.GetFullPath(model.ModelPath));
        Assert.Equal(20, model.Schedule.TrainTimesteps);
        Assert.Equal(folder.At(schedulerFile), Path.GetFullPath(model.SchedulerConfigPath!));
    }

    [Fact]
    public void Sizes_classes_and_the_null_class_come_from_the_config()
    {
        using var folder = new TemporaryFolder();
        new TinyDenoiser
        {
            SampleShape = ["b", "c", "h", "w"],
            LabelName = "class_labels",
            LabelRows = 11,
        }
            .Build()
            .Save(folder.At("transformer/model.onnx"));
        folder.Write(
            "transformer/config.json",
            """{"_class_name":"DiTTransformer2DModel","sample_size":[8,16],"in_channels":1,"out_channels":2,"num_embeds_ada_norm":10}"""
        );
        folder.Write("scheduler/scheduler_config.json", Scheduler);
        var contract = DiffusionModel.Load(folder.Path).Contract;
        Assert.Equal(new(1, 8, 16), contract.SampleShape);
        Assert.True(contract.PredictsVariance);
        Assert.Equal((10, 10), (contract.ClassCount, contract.NullClass));
    }

    [Fact]
    public void Without_a_schedule()
    {
        using var folder = new TemporaryFolder();
        new TinyDenoiser().Build().Save(folder.At("unet/model.onnx"));
        Faults.Expect("DQ1047", () => DiffusionModel.Load(folder.Path));
        var elsewhere = folder.Write("elsewhere.json", Scheduler);
        Assert.Equal(
            20,
            DiffusionModel.Load(folder.Path, new() { SchedulerConfigPath = elsewhere }).Schedule.TrainTimesteps
        );
        var schedule = Discrete.Parse("{}");
        Assert.Same(schedule, DiffusionModel.Load(folder.Path, new() { Schedule = schedule }).Schedule);
    }

    [Fact]
    public void Nothing_or_too_much_there()
    {
        using var folder = new TemporaryFolder();
        Faults.Expect("DQ1040", () => DiffusionModel.Load(folder.Path));
        Faults.Expect("DQ1040", () => DiffusionModel.Load(folder.At("no-such")));
        new TinyDenoiser().Build().Save(folder.At("a.onnx"));
        new TinyDenoiser().Build().Save(folder.At("b.onnx"));
        Assert.Contains("a.onnx, b.onnx", Faults.Expect("DQ1041", () => DiffusionModel.Load(folder.Path)));
    }

    [Fact]
    public void A_config_that_says_autoencoder()
    {
        using var folder = new TemporaryFolder();
        new TinyDenoiser().Build().Save(folder.At("model.onnx"));
        folder.Write("config.json", """{"_class_name":"AutoencoderKL"}""");
        Assert.Contains("AutoencoderKL", Faults.Expect("DQ1042", () => DiffusionModel.Load(folder.Path)));
    }

    [Fact]
    public void A_config_with_a_bad_value()
    {
        using var folder = new TemporaryFolder();
        new TinyDenoiser().Build().Save(folder.At("model.onnx"));
        folder.Write("config.json", """{"sample_size":"large"}""");
        Assert.Contains("sample_size", Faults.Expect("DQ1046", () => DiffusionModel.Load(folder.Path)));
    }
}
