using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion.Tests.Architectures;

/// <summary>
/// Small networks of diffusers' own classes with seeded weights, exported by PyTorch; io.npz holds inputs of one call, and what
/// the class returned.
/// </summary>
public sealed class ArchitectureTests
{
    private const string StableDiffusion =
        """{"_class_name":"PNDMScheduler","beta_start":0.00085,"beta_end":0.012,"beta_schedule":"scaled_linear","skip_prk_steps":true,"steps_offset":1,"set_alpha_to_one":false}""";

    private const string Flow = """{"_class_name":"FlowMatchEulerDiscreteScheduler","shift":3.0}""";

    public static TheoryData<string, string> Networks =>
        new()
        {
            { "dit", """{"_class_name":"DDIMScheduler","clip_sample":false}""" },
            { "flux", """{"_class_name":"FlowMatchEulerDiscreteScheduler","use_dynamic_shifting":true}""" },
            { "pixart", """{"_class_name":"DPMSolverMultistepScheduler","beta_end":0.02}""" },
            { "sd3", Flow },
            { "unet-ddpm", """{"_class_name":"DDIMScheduler"}""" },
            { "unet-inpaint", StableDiffusion },
            { "unet-lcm", """{"_class_name":"LCMScheduler"}""" },
            { "unet-sd15", StableDiffusion },
            { "unet-sd21", """{"_class_name":"DDIMScheduler","prediction_type":"v_prediction"}""" },
            { "unet-sdxl", """{"_class_name":"EulerDiscreteScheduler","beta_schedule":"scaled_linear"}""" },
        };

    [Theory]
    [MemberData(nameof(Networks))]
    public void A_call_gives_what_the_class_gave(string name, string schedule)
    {
        var (model, io) = Load(name, schedule);
        using var denoiser = new OnnxDenoiser(model);
        var call = CallOf(model.Contract, io);
        var expected = io["out.sample_out"].ToFloats();
        var output = denoiser.Predict(call);
        Near(Unpacked(model.Contract, expected.ToArray()), output);
    }

    /// <summary>What can be made up is: guidance, positions, sizes; what cannot is taken from the file.</summary>
    [Theory]
    [MemberData(nameof(Networks))]
    public void It_is_sampled_with_its_own_solver(string name, string schedule)
    {
        var (model, io) = Load(name, schedule);
        using var denoiser = new OnnxDenoiser(model);
        var given = model.Contract.Conditioning.Where(i =>
            i.Role is DenoiserRole.TextStates or DenoiserRole.PooledText or DenoiserRole.ExtraChannels
        );
        TrajectorySettings settings = new()
        {
            Sampler = new() { Steps = 3 },
            Conditioning = ConditioningSet.Of(
                given.Select(i =>
                    i.Role == DenoiserRole.ExtraChannels
                        ? OnnxTensor.Of(
                            i.Name,
                            new float[i.Shape![1].Value!.Value * 64].AsSpan(),
                            1,
                            i.Shape[1].Value!.Value,
                            8,
                            8
                        )
                        : io[$"in.{i.Name}"].WithName(i.Name)
                )
            ),
        };
        var trajectory = new Trajectory(denoiser, model.Schedule, settings);
        Assert.Equal(
            SolverKind.OfClass(model.Schedule.Config.ClassName),
            settings.Sampler.KindFor(model.Schedule.Config)
        );
        var both = trajectory.Run([0, 1]);
        Assert.All(both, v => Assert.True(float.IsFinite(v)));
        var second = trajectory.Run([1]);
        Near(second, both[second.Length..]);
    }

    private static (DiffusionModel Model, IReadOnlyDictionary<string, OnnxTensor> Io) Load(string name, string schedule)
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "Architectures", name);
        var io = ConditioningSet.Load(Path.Combine(folder, "io.npz")).Arrays;
        return (DiffusionModel.Load(folder, new() { Schedule = NoisePath.Parse(schedule), SampleSize = (8, 8) }), io);
    }

    private static DenoiserCall CallOf(DenoiserContract contract, IReadOnlyDictionary<string, OnnxTensor> io)
    {
        var sample = io[$"in.{contract.Sample.Name}"].ToFloats().ToArray();
        var conditioning = contract
            .Conditioning.Where(i => i.Role != DenoiserRole.ExtraChannels)
            .ToDictionary(i => i.Name, i => io[$"in.{i.Name}"]);
        if (contract.Extra is { } extra)
        {
            // Channels of one sample lie behind each other: those of the network's own, then the extra ones.
            var (own, all) = (contract.SampleShape.Length, sample.Length / 2);
            float[] behind = [.. sample[own..all], .. sample[(all + own)..]];
            conditioning[extra.Name] = OnnxTensor.Of(extra.Name, behind.AsSpan(), 2, contract.ExtraChannels, 8, 8);
            sample = [.. sample[..own], .. sample[all..(all + own)]];
        }

        return new()
        {
            Count = 2,
            Samples = Unpacked(contract, sample),
            Timesteps = [.. Numbers(io[$"in.{contract.Timestep.Name}"]).Select(t => t / contract.TimestepScale)],
            ClassLabels = contract.ClassLabel is { } label
                ? [.. io[$"in.{label.Name}"].ToInt64s().Select(l => (int)l)]
                : null,
            Conditioning = conditioning,
        };
    }

    /// <summary>Within a ten-thousandth of the largest number: sums in float32.</summary>
    private static void Near(float[] expected, float[] actual)
    {
        var allowed = expected.Max(Math.Abs) * 1e-4;
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), p => Assert.Equal(p.First, p.Second, allowed));
    }

    private static float[] Unpacked(DenoiserContract contract, float[] values) =>
        contract.Packing is { } side ? TokenPacking.Unpack(values, contract.SampleShape, side) : values;

    private static IEnumerable<double> Numbers(OnnxTensor tensor) =>
        tensor.ElementType.IsFloatingPoint()
            ? tensor.ToFloats().ToArray().Select(v => (double)v)
            : tensor.ToInt64s().Select(v => (double)v);
}
