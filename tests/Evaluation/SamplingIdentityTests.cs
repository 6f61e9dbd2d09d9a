using System.Reflection;
using System.Text.Json;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Evaluation.Snapshots;
using DiffusionQuant.Evaluation.Tests.Runs;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Evaluation.Tests;

/// <summary>
/// Each setting that can change a sample changes the identity: properties are found by reflection, and one for which no
/// other value is named here, nor a reason why it changes no sample, fails the test.
/// </summary>
public sealed class SamplingIdentityTests(TinyRun run) : IClassFixture<TinyRun>
{
    private static readonly SchedulerConfig Config = new();
    private static readonly DiffusionModel Model = DiffusionModel.Of(
        DdpmUNet.Build(DdpmUNetSettings.Tiny),
        NoisePath.Of(Config)
    );

    public static TheoryData<string> ConfigSettings => SettingsOf(typeof(SchedulerConfig));

    public static TheoryData<string> SamplerOptions => SettingsOf(typeof(SamplerSettings));

    public static TheoryData<string> TrajectoryOptions => SettingsOf(typeof(TrajectorySettings));

    public static TheoryData<string> Requests => SettingsOf(typeof(EvaluationRequest));

    public static TheoryData<string> Options => SettingsOf(typeof(ModelOptions));

    [Theory]
    [MemberData(nameof(ConfigSettings))]
    public void A_schedule_s_setting_changes_it(string setting)
    {
        SchedulerConfig? changed = setting switch
        {
            // It decides defaults of the others when the file is read.
            nameof(SchedulerConfig.ClassName) => null,
            nameof(SchedulerConfig.TrainTimesteps) => Config with { TrainTimesteps = 999 },
            nameof(SchedulerConfig.BetaStart) => Config with { BetaStart = 0.0002 },
            nameof(SchedulerConfig.BetaEnd) => Config with { BetaEnd = 0.03 },
            nameof(SchedulerConfig.BetaSchedule) => Config with { BetaSchedule = BetaSchedule.ScaledLinear },
            nameof(SchedulerConfig.TrainedBetas) => Config with { TrainedBetas = [.. Enumerable.Repeat(0.01, 1000)] },
            nameof(SchedulerConfig.RescaleBetasZeroSnr) => Config with { RescaleBetasZeroSnr = true },
            nameof(SchedulerConfig.SnrShiftScale) => Config with { SnrShiftScale = 3 },
            nameof(SchedulerConfig.Prediction) => Config with { Prediction = PredictionType.Velocity },
            nameof(SchedulerConfig.Spacing) => Config with { Spacing = TimestepSpacing.Trailing },
            nameof(SchedulerConfig.StepsOffset) => Config with { StepsOffset = 1 },
            nameof(SchedulerConfig.ClipRange) => Config with { ClipRange = 2 },
            nameof(SchedulerConfig.Thresholding) => Config with { Thresholding = new() },
            nameof(SchedulerConfig.SetAlphaToOne) => Config with { SetAlphaToOne = false },
            nameof(SchedulerConfig.Variance) => Config with { Variance = VarianceType.FixedLarge },
            nameof(SchedulerConfig.Path) => Config with { Path = NoisePathKind.Flow, Prediction = PredictionType.Flow },
            // Each of their settings has its turn below.
            nameof(SchedulerConfig.Solver) or nameof(SchedulerConfig.Flow) or nameof(SchedulerConfig.Edm) => null,
            _ => throw Forgotten(setting),
        };
        Check(setting, changed is null ? null : Of(Model, changed, new()));
    }

    [Theory]
    [InlineData(nameof(SchedulerConfig.Solver), NoisePathKind.Discrete)]
    [InlineData(nameof(SchedulerConfig.Flow), NoisePathKind.Flow)]
    [InlineData(nameof(SchedulerConfig.Edm), NoisePathKind.Edm)]
    public void Each_setting_of_solvers_and_continuous_paths_changes_it(string part, NoisePathKind path)
    {
        var config = Config with { Path = path };
        var property = typeof(SchedulerConfig).GetProperty(part)!;
        var plain = property.GetValue(config)!;
        foreach (var setting in plain.GetType().GetProperties().Where(p => p.CanWrite))
        {
            // The class's name says it, and with it which solver there is.
            if (setting.Name == nameof(EdmOptions.IsConsistency))
            {
                continue;
            }

            var changed = plain.GetType().GetMethod("<Clone>$")!.Invoke(plain, null)!;
            setting.SetValue(changed, Another(setting.GetValue(plain), setting.PropertyType));
            var other = config with { };
            property.SetValue(other, changed);
            AssertDiffers($"{part}.{setting.Name}", Of(Model, config, new()), Of(Model, other, new()));
        }
    }

    private static object Another(object? value, Type type) =>
        value switch
        {
            bool flag => !flag,
            int number => number + 1,
            double.NegativeInfinity => -5.0,
            double number => number + 0.25,
            SigmaSpacing => SigmaSpacing.Karras,
            IReadOnlyList<int> => new[] { 1 },
            null when type == typeof(double?) => 0.5,
            _ => throw new InvalidOperationException($"Name another value of a {type}."),
        };

    [Fact]
    public void Each_number_of_a_list_or_threshold_changes_it()
    {
        var betas = Enumerable.Repeat(0.01, 1000).ToArray();
        var first = Of(Model, Config with { TrainedBetas = betas }, new());
        betas[700] = 0.011;
        AssertDiffers("betas", first, Of(Model, Config with { TrainedBetas = betas }, new()));

        var threshold = Config with { Thresholding = new(0.99, 3) };
        first = Of(Model, threshold, new());
        foreach (var other in new[] { new DynamicThreshold(0.98, 3), new DynamicThreshold(0.99, 4) })
        {
            AssertDiffers("clip range", first, Of(Model, threshold with { Thresholding = other }, new()));
        }
    }

    [Theory]
    [MemberData(nameof(SamplerOptions))]
    public void A_sampler_s_setting_changes_it(string setting)
    {
        var sampler = SamplerSettings.Default;
        sampler = setting switch
        {
            nameof(SamplerSettings.Kind) => sampler with { Kind = SolverKind.Find("euler") },
            nameof(SamplerSettings.Steps) => sampler with { Steps = 20 },
            nameof(SamplerSettings.Eta) => sampler with { Eta = 0.5 },
            nameof(SamplerSettings.Variance) => sampler with { Variance = VarianceType.FixedLarge },
            nameof(SamplerSettings.ClipSample) => sampler with { ClipSample = true },
            nameof(SamplerSettings.Spacing) => sampler with { Spacing = TimestepSpacing.Linspace },
            nameof(SamplerSettings.SequenceLength) => sampler with { SequenceLength = 1000 },
            nameof(SamplerSettings.EvenFlow) => sampler with { EvenFlow = false },
            nameof(SamplerSettings.Quadratic) => sampler with { Quadratic = true },
            nameof(SamplerSettings.Timesteps) => sampler with { Timesteps = [900, 500, 20] },
            _ => throw Forgotten(setting),
        };
        var config = setting is nameof(SamplerSettings.SequenceLength) or nameof(SamplerSettings.EvenFlow)
            ? Config with
            {
                Path = NoisePathKind.Flow,
                Flow = new() { IsDynamic = true },
            }
            : Config;
        AssertDiffers(setting, Of(Model, config, new()), Of(Model, config, new() { Sampler = sampler }));
    }

    /// <summary>Committed snapshots hold such hashes.</summary>
    [Theory]
    [InlineData(500, "13160f8032597a3cb5ce5404eda8cf6fa0556cd4c265854d60909e0d2e1a2bdb")]
    [InlineData(500.5, "2dd53f2975743a681eee4db99d1e7b4556e74141263b88d6ee0207b611af15c4")]
    public void Timesteps_are_hashed_as_int32_where_all_are_whole(double timestep, string expected)
    {
        var sampler = new SamplerSettings { Timesteps = [900, timestep, 20] };
        Assert.Equal(expected, Of(Model, Config, new() { Sampler = sampler }).TimestepsSha256);
    }

    [Theory]
    [MemberData(nameof(TrajectoryOptions))]
    public void A_trajectory_s_setting_changes_it(string setting) =>
        Check(
            setting,
            setting switch
            {
                nameof(TrajectorySettings.Sampler) => Of(Model, Config, new() { Sampler = new() { Steps = 7 } }),
                nameof(TrajectorySettings.Seed) => Of(Model, Config, new() { Seed = 1 }),
                nameof(TrajectorySettings.ClassLabels) => Of(Model, Config, new() { ClassLabels = [3, 4] }),
                nameof(TrajectorySettings.GuidanceScale) => Of(Model, Config, new() { GuidanceScale = 2 }),
                nameof(TrajectorySettings.GuidanceRescale) => Of(Model, Config, new() { GuidanceRescale = 0.7 }),
                // Evaluations start from noise.
                nameof(TrajectorySettings.Start) => null,
                // By the content of the file that it is read from.
                nameof(TrajectorySettings.Conditioning) => SamplingIdentity.Of(Model, new(), run.Request.Reference),
                _ => throw Forgotten(setting),
            }
        );

    [Theory]
    [MemberData(nameof(Options))]
    public void What_a_user_says_of_a_model_changes_it(string setting)
    {
        var (plain, options) = setting switch
        {
            nameof(ModelOptions.InputRoles) => (
                Labelled(new() { InputRoles = Roles("label", DenoiserRole.ClassLabel), ClassCount = 3 }),
                Labelled(new() { InputRoles = Roles("label", DenoiserRole.Other) })
            ),
            nameof(ModelOptions.Dimensions) => (
                Sized(new() { Dimensions = Sizes(12, 20) }),
                Sized(new() { Dimensions = Sizes(15, 17) })
            ),
            nameof(ModelOptions.SampleSize) => (
                Sized(new() { SampleSize = (12, 20) }),
                Sized(new() { SampleSize = (15, 17) })
            ),
            nameof(ModelOptions.Channels) => (
                Sized(new() { SampleSize = (8, 8), Channels = 1 }, "channels"),
                Sized(new() { SampleSize = (8, 8), Channels = 2 }, "channels")
            ),
            nameof(ModelOptions.ClassCount) => (Labelled(new() { ClassCount = 3 }), Labelled(new() { ClassCount = 4 })),
            nameof(ModelOptions.NullClass) => (
                Labelled(new() { ClassCount = 3 }),
                Labelled(new() { ClassCount = 3, NullClass = 3 })
            ),
            nameof(ModelOptions.TimestepScale) => (Labelled(new()), Labelled(new() { TimestepScale = 0.001 })),
            nameof(ModelOptions.Schedule) => (
                Loaded(new() { Schedule = NoisePath.Of(Config) }),
                Loaded(new() { Schedule = NoisePath.Of(Config with { BetaEnd = 0.03 }) })
            ),
            nameof(ModelOptions.SchedulerConfigPath) => (
                Loaded(new()),
                Loaded(new() { SchedulerConfigPath = Write("other.json", """{ "beta_end": 0.03 }""") })
            ),
            nameof(ModelOptions.VaeDecoderPath) => (
                Loaded(new() { VaeDecoderPath = Decoder(1, 1) }),
                Loaded(new() { VaeDecoderPath = Decoder(2, 1) })
            ),
            _ => throw Forgotten(setting),
        };
        AssertDiffers(setting, plain, options);
    }

    [Fact]
    public void A_decoder_s_factors_change_it()
    {
        var plain = Loaded(new() { VaeDecoderPath = Decoder(1, 1) });
        AssertDiffers("decoder", plain, Loaded(new() { VaeDecoderPath = Decoder(1, 0.5) }));
        Assert.NotNull(SettingDifference.Find(plain.Settings, Loaded(new()).Settings));
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public void What_is_asked_for_changes_the_keys_of_the_cache(string setting)
    {
        // Of a processor and a GPU, which need not be there: an extractor is loaded at once.
        var plain =
            setting == nameof(EvaluationRequest.Session) ? run.Request with { DistributionImages = 0 } : run.Request;
        EvaluationRequest? changed = setting switch
        {
            // The model's weights are in the key of its own part, and the float model's in both.
            nameof(EvaluationRequest.ModelPath) => null,
            nameof(EvaluationRequest.FloatPath) => plain with { FloatPath = null },
            nameof(EvaluationRequest.PairedImages) => plain with { PairedImages = 9 },
            nameof(EvaluationRequest.DistributionImages) => plain with { DistributionImages = 40 },
            nameof(EvaluationRequest.Sampler) => plain with { Sampler = SolverKind.Find("ddpm") },
            nameof(EvaluationRequest.Steps) => plain with { Steps = 4 },
            nameof(EvaluationRequest.Eta) => plain with { Eta = 0.5 },
            nameof(EvaluationRequest.TimeGrid) => plain with { TimeGrid = TimeGridKind.Quadratic },
            nameof(EvaluationRequest.Seed) => plain with { Seed = 2 },
            nameof(EvaluationRequest.GuidanceScale) => plain with { GuidanceScale = 2 },
            // Needs text encoders: PromptedRunTests.
            nameof(EvaluationRequest.Prompts) => null,
            nameof(EvaluationRequest.Conditioning) => plain with { Conditioning = plain.Reference },
            nameof(EvaluationRequest.BatchSize) => plain with { BatchSize = 2 },
            // Needs prompts, and changes the key of the model's part alone: ClipScoreTests.
            nameof(EvaluationRequest.Clip) => null,
            // The kind of device; threads change no more than the rounding of sums.
            nameof(EvaluationRequest.Session) => plain with { Session = new() { Device = new(DeviceKind.Cuda, 0) } },
            nameof(EvaluationRequest.Model) => plain with
            {
                Model = new() { Schedule = NoisePath.Of(new SchedulerConfig { TrainTimesteps = 100, BetaEnd = 0.03 }) },
            },
            nameof(EvaluationRequest.Extractor) => plain with { Extractor = OtherExtractor() },
            nameof(EvaluationRequest.Reference) => plain with { Reference = OtherReference() },
            nameof(EvaluationRequest.Shard) => plain with { Shard = new(1, 2) },
            // It is only said.
            nameof(EvaluationRequest.Command) => null,
            _ => throw Forgotten(setting),
        };
        if (changed is null)
        {
            return;
        }

        using var before = EvaluationSetup.Of(plain);
        using var after = EvaluationSetup.Of(changed);
        Assert.NotEqual(before.BaselineKey, after.BaselineKey);
        Assert.NotEqual(before.PartKey, after.PartKey);
    }

    [Fact]
    public void Each_part_of_an_identity_is_a_setting_of_metrics_parts_and_snapshots()
    {
        var plain = Full();
        Assert.All(
            Variants(plain),
            variant =>
            {
                var (name, changed) = variant;
                AssertDiffers(name, plain, (SamplingIdentity)changed);
                var before = MadeUpParts.Header with { Sampling = plain };
                var after = before with { Sampling = (SamplingIdentity)changed };
                Assert.NotNull(before.FindDifference(after));
                Assert.NotEqual(before.RunKey, after.RunKey);
            }
        );

        var report = Snapshots.Reports.Usual with { Sampling = plain };
        var text = MetricsSnapshot.Of(report).ToJson();
        Assert.Equal(plain, MetricsSnapshot.Parse(text).Measurements[0].Sampling);
        Assert.Equal(plain, EvaluationReport.Parse(report.ToJson()).Sampling);
        foreach (var (name, changed) in Variants(plain))
        {
            var error = Assert.Throws<DiffusionQuantException>(() =>
                MetricsSnapshot.Parse(text).FindMeasurement(report with { Sampling = (SamplingIdentity)changed })
            );
            Assert.Equal("DQ3001", error.Code);
        }
    }

    [Fact]
    public void A_snapshot_of_an_earlier_version_is_compared_in_what_it_tells()
    {
        var full = Full();
        var old = full with { Schedule = null, Denoiser = null, Decoder = null, ClassLabels = null };
        var report = Snapshots.Reports.Usual with { Sampling = old };
        var snapshot = MetricsSnapshot.Parse(MetricsSnapshot.Of(report).ToJson());
        Assert.NotNull(snapshot.FindMeasurement(report with { Sampling = full }));
        var error = Assert.Throws<DiffusionQuantException>(() =>
            snapshot.FindMeasurement(report with { Sampling = full with { Seed = 9 } })
        );
        Assert.Contains("seed: ", error.Message);
        // Accepted again, it tells all.
        Assert.Contains("\"prediction\"", snapshot.With(report with { Sampling = full }).ToJson());
    }

    private static SamplingIdentity Full() =>
        new("ddim", 50, "aa", 0, true, 1, 2, "bb")
        {
            GuidanceRescale = 0.5,
            ClassLabels = "1,2",
            Schedule = ScheduleIdentity.Of(Config) with { Solver = "solver_order 3" },
            Denoiser = DenoiserIdentity.Of(Model.Contract) with { Classes = 10, NullClass = 10 },
            Decoder = new("cc", 0.18215, 0.1) { PerChannel = "0; 1" },
        };

    /// <summary>Copies of a record, each with another value in one property of it or of a record in it.</summary>
    private static IEnumerable<(string Name, object Changed)> Variants(object record)
    {
        foreach (var property in record.GetType().GetProperties().Where(p => p.CanWrite))
        {
            var value = property.GetValue(record)!;
            IEnumerable<object> others = value switch
            {
                string text => [text + "x"],
                int number => [number + 1],
                ulong number => [number + 1],
                double number => [number + 1],
                bool flag => [!flag],
                _ => Variants(value).Select(v => v.Changed),
            };
            foreach (var other in others)
            {
                var copy = record.GetType().GetMethod("<Clone>$")!.Invoke(record, null)!;
                property.SetValue(copy, other);
                yield return (property.Name, copy);
            }
        }
    }

    private static TheoryData<string> SettingsOf(Type type) =>
        [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite).Select(p => p.Name)];

    private static SamplingIdentity Of(DiffusionModel model, SchedulerConfig config, TrajectorySettings settings) =>
        SamplingIdentity.Of(
            DiffusionModel.Of(model.Model, NoisePath.Of(config), new() { ClassCount = model.Contract.ClassCount }),
            settings,
            null
        );

    private static void Check(string setting, SamplingIdentity? changed)
    {
        var plain = Of(Model, Config, new());
        if (changed is not null)
        {
            AssertDiffers(setting, plain, changed);
        }
    }

    private static void AssertDiffers(string setting, SamplingIdentity one, SamplingIdentity other)
    {
        Assert.True(SettingDifference.Find(one.Settings, other.Settings) is not null, $"{setting} is in no setting.");
        Assert.NotEqual(one, other);
        var report = Snapshots.Reports.Usual;
        var metric = report.Find(MetricCatalog.Psnr)!;
        Assert.NotNull(
            MetricIdentity
                .Of(report with { Sampling = one }, metric)
                .FindDifference(MetricIdentity.Of(report with { Sampling = other }, metric))
        );
    }

    private static Exception Forgotten(string setting) =>
        new InvalidOperationException($"{setting} is new: name another value of it, or say why it changes no sample.");

    private static Dictionary<string, DenoiserRole> Roles(string input, DenoiserRole role) => new() { [input] = role };

    private static Dictionary<string, int> Sizes(int height, int width) =>
        new() { ["height"] = height, ["width"] = width };

    private static SamplingIdentity Identity(OnnxModel model, ModelOptions options) =>
        SamplingIdentity.Of(DiffusionModel.Of(model, NoisePath.Of(Config), options), new(), null);

    /// <summary>A model that takes samples of any size.</summary>
    private static SamplingIdentity Sized(ModelOptions options, string? channels = null)
    {
        var model = DdpmUNet.Build(DdpmUNetSettings.Tiny with { Multipliers = [1], AttentionResolutions = [] });
        var shape = new TensorShape(["batch", channels is null ? 1 : channels, "height", "width"]);
        model.Graph.Inputs[0] = new(model.Graph.Inputs[0].Name, ElementType.Float, shape);
        model.Graph.Outputs[0] = new(model.Graph.Outputs[0].Name, ElementType.Float, shape);
        return Identity(model, options);
    }

    /// <summary>A model with an input for labels.</summary>
    private static SamplingIdentity Labelled(ModelOptions options)
    {
        var model = DdpmUNet.Build(DdpmUNetSettings.Tiny);
        model.Graph.Inputs.Add(new("label", ElementType.Int64, ["batch"]));
        return Identity(
            model,
            options.InputRoles.Count > 0
                ? options
                : options with
                {
                    InputRoles = Roles("label", DenoiserRole.ClassLabel),
                }
        );
    }

    private SamplingIdentity Loaded(ModelOptions options) =>
        SamplingIdentity.Of(
            DiffusionModel.Load(run.Request.FloatPath!, options),
            new() { Sampler = new() { Steps = 3 } },
            null
        );

    private string Write(string name, string text)
    {
        var path = Path.Combine(run.NewFolder(), name);
        File.WriteAllText(path, text);
        return path;
    }

    private string OtherExtractor()
    {
        var folder = run.NewFolder();
        foreach (var file in Directory.GetFiles(run.Request.Extractor!))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        var settings = Path.Combine(folder, "extractor.json");
        File.WriteAllText(
            settings,
            File.ReadAllText(settings).Replace("\"spatialChannels\": 3", "\"spatialChannels\": 2")
        );
        return folder;
    }

    private string OtherReference()
    {
        var bytes = File.ReadAllBytes(run.Request.Reference!);
        bytes[^1] ^= 0x80;
        var path = Path.Combine(run.NewFolder(), "other.npy");
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private string Decoder(float content, double scaling)
    {
        var b = new GraphBuilder("decoder");
        var latent = b.Input("latent", ElementType.Float, "batch", 1, 8, 8);
        b.Output(latent * b.Constant(OnnxTensor.Scalar("", content)), "image", ElementType.Float, "batch", 1, 8, 8);
        var config = Write("config.json", JsonSerializer.Serialize(new { scaling_factor = scaling }));
        var path = Path.Combine(Path.GetDirectoryName(config)!, "model.onnx");
        b.Build().Save(path);
        return path;
    }
}
