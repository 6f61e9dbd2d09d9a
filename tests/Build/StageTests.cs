using DiffusionQuant.Build.Tests.Sandboxes;

namespace DiffusionQuant.Build.Tests;

/// <summary>When a build quantizes, and that it attaches what exists when it does not.</summary>
public sealed class StageTests
{
    private const string Item = """<DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" />""";
    private const string Built = "App/bin/Debug/net10.0/Models/ddpm-fashion/model.onnx";

    [Fact]
    public async Task Stage_publish_quantizes_in_publish_only()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item, "<DiffusionQuantizeStage>publish</DiffusionQuantizeStage>");

        (await sandbox.BuildAsync()).Succeeds();
        Assert.Empty(sandbox.Starts);
        Assert.Empty(sandbox.Verifications);
        Assert.False(sandbox.Has(Built));

        string[] publish = ["publish", "App", "--no-restore", "-tl:off", "-c", "Debug", "-o", "out"];
        (await sandbox.DotNetAsync(publish)).Succeeds();
        Assert.Single(sandbox.Runs);
        Assert.Single(sandbox.Verifications);
        Assert.True(sandbox.Has("out/Models/ddpm-fashion/model.onnx"));

        // A build with other options keeps what the last publishing made, and says so.
        sandbox.WriteProject(Item.Replace("W4A8", "W8A8"), "<DiffusionQuantizeStage>publish</DiffusionQuantizeStage>");
        var build = (await sandbox.BuildAsync("-v:n")).Succeeds();
        Assert.Single(sandbox.Starts);
        Assert.StartsWith("W4A8", sandbox.Read(Built));
        Assert.Contains("attached as last quantized", build.Output);
    }

    [Fact]
    public async Task Stage_publish_also_works_where_publishing_does_not_build()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item, "<DiffusionQuantizeStage>publish</DiffusionQuantizeStage>");
        (await sandbox.BuildAsync()).Succeeds();

        (await sandbox.DotNetAsync("publish", "App", "--no-build", "-tl:off", "-c", "Debug", "-o", "out")).Succeeds();

        Assert.Single(sandbox.Runs);
        Assert.Single(sandbox.Verifications);
        Assert.StartsWith("W4A8", sandbox.Read("out/Models/ddpm-fashion/model.onnx"));

        (await sandbox.DotNetAsync("msbuild", "App", "-t:Publish", "-p:PublishDir=../out2/", "-tl:off")).Succeeds();
        Assert.Single(sandbox.Runs);
        Assert.True(sandbox.Has("out2/Models/ddpm-fashion/model.onnx"));
    }

    [Fact]
    public async Task Stage_none_and_design_time_builds_start_nothing_fail_never_and_attach_what_exists()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.Write("App/Program.cs", "System.Console.WriteLine(Sample.DiffusionModels.DdpmFashion.Folder);");
        // A project that could not be quantized: no Quantize, a missing model, two of one name.
        sandbox.WriteProject("""<DiffusionModel Include="Models/ddpm-fashion;Models/gone;Models/gone" Steps="x" />""");
        string[] designTime =
        [
            "msbuild",
            "App",
            "-tl:off",
            "-t:Compile;GetCopyToOutputDirectoryItems",
            "-p:DesignTimeBuild=true;BuildingProject=false;SkipCompilerExecution=true;ProvideCommandLineArgs=true",
            "-p:DiffusionQuantToolPath=/nowhere",
            "-getItem:Compile,ContentWithTargetPath",
        ];
        var before = (await sandbox.DotNetAsync(designTime)).Succeeds();
        Assert.Contains("DiffusionModels.g.cs", before.Output);
        Assert.DoesNotContain("model.onnx", before.Output);

        (await sandbox.BuildAsync("-p:DiffusionQuantizeStage=none")).Succeeds();
        Assert.Empty(sandbox.Starts);
        Assert.Empty(sandbox.Verifications);

        sandbox.WriteProject(Item);
        (await sandbox.BuildAsync()).Succeeds();
        // A snapshot that the model would not pass.
        sandbox.Write("App/Models/ddpm-fashion.metrics.verified.json", "better");
        var after = (await sandbox.DotNetAsync(designTime)).Succeeds();
        Assert.Contains("Models/ddpm-fashion/model.onnx", after.Output);
        (await sandbox.BuildAsync("-p:DiffusionQuantizeStage=none")).Succeeds();
        Assert.Single(sandbox.Starts);
        Assert.Single(sandbox.Verifications);
    }

    [Fact]
    public async Task Visual_Studio_learns_what_to_compare()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item + """</ItemGroup><Target Name="CollectUpToDateCheckInputDesignTime" /><ItemGroup>""");

        var collected = await sandbox.DotNetAsync(
            "msbuild",
            "App",
            "-t:CollectUpToDateCheckInputDesignTime",
            "-p:DesignTimeBuild=true",
            "-getItem:UpToDateCheckInput"
        );

        Assert.Contains("Models/ddpm-fashion/unet/model.onnx", collected.Succeeds().Output);
    }
}
