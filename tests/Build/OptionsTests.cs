using DiffusionQuant.Build.Tests.Sandboxes;

namespace DiffusionQuant.Build.Tests;

/// <summary>How metadata become the tool's command line.</summary>
public sealed class OptionsTests
{
    [Fact]
    public async Task Metadata_that_is_not_set_is_not_passed()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject("""<DiffusionModel Include="Models/ddpm-fashion/" Quantize="W4A8" />""");
        (await sandbox.BuildAsync()).Succeeds();

        var folder = Path.Combine(sandbox.AppFolder, "obj/Debug/net10.0/diffusionquant/ddpm-fashion");
        string[] expected =
        [
            "quantize",
            Path.Combine(sandbox.AppFolder, "Models/ddpm-fashion"),
            "--quantize",
            "W4A8",
            "-o",
            Path.Combine(folder, "artifact"),
            "--cache-directory",
            sandbox.Environment["DiffusionCacheDirectory"],
            "--prefix-output",
            "--progress-file",
            Path.Combine(folder, "progress.json"),
            "--inputs-file",
            Path.Combine(folder, "model.files"),
        ];
        Assert.Equal(expected, Assert.Single(sandbox.Runs).Args);
    }

    [Fact]
    public async Task All_metadata_arrives_as_it_is_written()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.Write("App/recipes/a b;c.json", "{}");
        sandbox.Write("App/states/text/image.npy", "one");
        sandbox.Write("App/Models/x 100%25; 'y'.onnx", "weights");
        sandbox.Environment["DiffusionQuantCudaNativePath"] = "/opt/cuda 13";
        sandbox.WriteProject(
            """
            <DiffusionModel Include="Models/*.onnx" Quantize="W4A8" Method="tcaq-dm" Policy="tfmq" Sampler="ddpm"
              Steps="20" CalibrationSamples="64" Seed="3" Device="cuda:1" Threads="2" SoftmaxBits="16" Name="it"
              Effort="quick" Iterations="100" TimestepSampling="normal" TimestepMean="0.3" TimestepDeviation="0.2"
              GuidanceScale="3.5" SampleSelection="representative" Conditioning="states\text" MemoryBudget="512" TrainingData="images"
              Prompts="texts\prompts.txt" Parts="text_encoder=W8A16 | vae_decoder=float16"
              Rules="conv_in=W8A8 | say &quot;x&quot; |a" InputRoles="sample=x|timestep=t" Recipe="recipes\a b%3Bc.json" />
            """,
            "<DiffusionCacheDirectory>$(MSBuildProjectDirectory)/../my cache</DiffusionCacheDirectory>"
        );
        sandbox.Environment.Remove("DiffusionCacheDirectory");
        (await sandbox.BuildAsync()).Succeeds();

        var run = Assert.Single(sandbox.Runs);
        Assert.Equal(Path.Combine(sandbox.AppFolder, "Models/x 100%25; 'y'.onnx"), run.Args[1]);
        (string, string)[] expected =
        [
            ("--quantize", "W4A8"),
            ("--method", "tcaq-dm"),
            ("--policy", "tfmq"),
            ("--sampler", "ddpm"),
            ("--steps", "20"),
            ("--calibration-samples", "64"),
            ("--effort", "quick"),
            ("--iterations", "100"),
            ("--timestep-sampling", "normal"),
            ("--timestep-mean", "0.3"),
            ("--timestep-deviation", "0.2"),
            ("--guidance-scale", "3.5"),
            ("--sample-selection", "representative"),
            ("--conditioning", Path.Combine(sandbox.AppFolder, "states/text")),
            ("--training-data", Path.Combine(sandbox.AppFolder, "images")),
            ("--prompts", Path.Combine(sandbox.AppFolder, "texts/prompts.txt")),
            ("--memory-budget", "512"),
            ("--seed", "3"),
            ("--device", "cuda:1"),
            ("--threads", "2"),
            ("--softmax-bits", "16"),
            ("--recipe", Path.Combine(sandbox.AppFolder, "recipes/a b;c.json")),
            ("--cache-directory", Path.Combine(sandbox.Folder, "my cache")),
        ];
        Assert.All(expected, option => Assert.Equal(option.Item2, run.Option(option.Item1)));
        Assert.Equal(["conv_in=W8A8", "say \"x\"", "a"], run.Options("--rule"));
        Assert.Equal(["sample=x", "timestep=t"], run.Options("--input-role"));
        Assert.Equal(["text_encoder=W8A16", "vae_decoder=float16"], run.Options("--part"));
        Assert.Equal("/opt/cuda 13", sandbox.Starts[0].Cuda);

        // The recipe is part of what decides the result.
        sandbox.Write("App/recipes/a b;c.json", "{ }");
        (await sandbox.BuildAsync()).Succeeds();
        Assert.Equal(2, sandbox.Runs.Count);

        // So are the images of training.
        sandbox.Write("App/images/one.png", "one");
        (await sandbox.BuildAsync()).Succeeds();
        Assert.Equal(3, sandbox.Runs.Count);

        // So are the arrays of the conditioning.
        sandbox.Write("App/states/text/prompt.npy", "one");
        (await sandbox.BuildAsync()).Succeeds();
        Assert.Equal(4, sandbox.Runs.Count);
        (await sandbox.BuildAsync()).Succeeds();
        Assert.Equal(4, sandbox.Runs.Count);
    }

    [Fact]
    public async Task A_fallback_gets_the_items_limits_whatever_the_build_verifies()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.Write("App/quality/statistics.npz", "numbers");
        sandbox.WriteProject(
            """
            <DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" Fallback="true" MaxFidIncrease="0.5" MinPsnr="28"
              MinSqnrDb="20.5" MaxSizeRatio="0.2" EvaluationImages="256" PairedImages="8" Reference="quality/statistics.npz" />
            """
        );
        (await sandbox.BuildAsync()).Succeeds();
        (string, string)[] expected =
        [
            ("--max-fid-increase", "0.5"),
            ("--min-psnr", "28"),
            ("--min-sqnr-db", "20.5"),
            ("--images", "256"),
            ("--paired-images", "8"),
            ("--reference", Path.Combine(sandbox.AppFolder, "quality/statistics.npz")),
        ];
        var run = Assert.Single(sandbox.Runs);
        Assert.Contains("--fallback", run.Args);
        Assert.All(expected, option => Assert.Equal(option.Item2, run.Option(option.Item1)));
        // More bits do not make a file smaller.
        Assert.DoesNotContain("--max-size-ratio", run.Args);

        // Neither makes another model.
        (await sandbox.BuildAsync("-p:DiffusionVerify=false")).Succeeds();
        (await sandbox.BuildAsync("-p:DiffusionEvaluationImages=1000")).Succeeds();
        Assert.Single(sandbox.Runs);
    }
}
