using DiffusionQuant.Build.Tests.Sandboxes;

namespace DiffusionQuant.Build.Tests;

/// <summary>Quality as part of the build: when a model is evaluated, against what, and how a build fails.</summary>
public sealed class VerificationTests
{
    private const string Item = """<DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" />""";
    private const string Folder = "App/obj/Debug/net10.0/diffusionquant/ddpm-fashion";
    private const string Verified = "App/Models/ddpm-fashion.metrics.verified.json";
    private const string Received = "App/Models/ddpm-fashion.metrics.received.json";

    [Fact]
    public async Task A_build_evaluates_what_it_quantizes_and_says_once_where_the_report_is()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item);

        var build = (await sandbox.BuildAsync()).Succeeds();

        Assert.Empty(build.Messages);
        var report = Path.Combine(sandbox.Folder, Folder, "evaluation/report.html");
        Assert.Contains($"Models/ddpm-fashion: quality report: {report}", build.Output);
        Assert.True(File.Exists(report));
        // It is about the app, not part of it.
        Assert.False(sandbox.Has("App/bin/Debug/net10.0/Models/ddpm-fashion/report.html"));

        Assert.DoesNotContain("quality report", (await sandbox.BuildAsync()).Succeeds().Output);
        Assert.Single(sandbox.Verifications);
    }

    [Fact]
    public async Task A_model_that_drifts_fails_the_build_at_its_item_until_it_is_accepted()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.Write(Verified, "better");
        sandbox.WriteProject("\n    " + Item);

        var build = (await sandbox.BuildAsync()).Fails();

        Assert.Equal(1, build.ExitCode);
        var metrics = sandbox.Read($"{Folder}/artifact/model.onnx");
        Assert.Equal(
            new BuildMessage(
                "error",
                "DQ2001",
                "App.csproj",
                ProjectText.ItemsLine + 1,
                5,
                $"verified better, received {metrics}"
            ),
            build.Message()
        );
        Assert.Contains("quality report", build.Output);
        Assert.DoesNotContain("MSB", build.Output);
        Assert.False(sandbox.Has($"{Folder}/verify.stamp"));
        Assert.False(sandbox.Has("App/bin/Debug/net10.0/App.dll"));

        // It fails as long as it is not accepted, and is not quantized again for that.
        Assert.Equal("DQ2001", (await sandbox.BuildAsync()).Fails().Message().Code);
        Assert.Equal(2, sandbox.Verifications.Count);

        File.Move(Path.Combine(sandbox.Folder, Received), Path.Combine(sandbox.Folder, Verified), overwrite: true);
        (await sandbox.BuildAsync()).Succeeds();
        Assert.Equal(3, sandbox.Verifications.Count);
        Assert.True(sandbox.Has("App/bin/Debug/net10.0/App.dll"));

        (await sandbox.BuildAsync()).Succeeds();
        Assert.Equal(3, sandbox.Verifications.Count);
        Assert.Single(sandbox.Starts);
    }

    [Fact]
    public async Task All_models_are_verified_although_the_first_is_not_good_enough()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteModel("second");
        sandbox.WriteModel("third");
        sandbox.Write(Verified, "better");
        sandbox.Write("App/Models/third.metrics.verified.json", "better");
        sandbox.WriteProject(
            $"""
            {Item}
                <DiffusionModel Include="Models/second" Quantize="W4A8" />
                <DiffusionModel Include="Models/third" Quantize="W4A8" />
            """
        );

        var build = (await sandbox.BuildAsync()).Fails();

        Assert.Equal([ProjectText.ItemsLine, ProjectText.ItemsLine + 2], build.Messages.Select(m => m.Line));
        Assert.All(build.Messages, message => Assert.Equal("DQ2001", message.Code));
        Assert.Equal(3, sandbox.Verifications.Count);
        Assert.False(sandbox.Has("App/bin/Debug/net10.0/App.dll"));

        // Only those that are not good enough are verified again.
        (await sandbox.BuildAsync()).Fails();
        Assert.Equal(5, sandbox.Verifications.Count);
    }

    [Fact]
    public async Task What_is_quantized_anew_is_verified_anew()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item);
        (await sandbox.BuildAsync()).Succeeds();
        sandbox.Write(Verified, sandbox.Read($"{Folder}/evaluation/metrics.json"));
        (await sandbox.BuildAsync()).Succeeds();

        sandbox.WriteProject(Item.Replace("W4A8", "W3A4"));
        Assert.Equal("DQ2001", (await sandbox.BuildAsync()).Fails().Message().Code);

        sandbox.WriteProject(Item);
        (await sandbox.BuildAsync()).Succeeds();
        Assert.Equal([true, true, false], sandbox.Runs.Select(run => run.Quantized));
    }

    [Fact]
    public async Task A_snapshot_that_must_exist_and_does_not_fails_the_build()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(
            Item.Replace("/>", "Verify=\"true\" Snapshot=\"quality/fashion.metrics.verified.json\" />")
        );
        Directory.CreateDirectory(Path.Combine(sandbox.AppFolder, "quality"));

        Assert.Equal("DQ2006", (await sandbox.BuildAsync()).Fails().Message().Code);

        var received = Path.Combine(sandbox.AppFolder, "quality/fashion.metrics.received.json");
        File.Move(received, received.Replace("received", "verified"));
        (await sandbox.BuildAsync()).Succeeds();
        Assert.Single(sandbox.Starts);
    }

    [Theory]
    [InlineData("Verify=\"false\"", "")]
    [InlineData("Verify=\"true\" MinPsnr=\"30\"", "-p:DiffusionVerify=false")]
    public async Task What_is_switched_off_is_not_checked(string metadata, string property)
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.Write(Verified, "better");
        sandbox.WriteProject(Item.Replace("/>", $"{metadata} />"));

        (await sandbox.BuildAsync([.. new[] { property }.Where(p => p.Length > 0)])).Succeeds();

        var args = Assert.Single(sandbox.Verifications).Args;
        string[] checks = ["--snapshot", "--require-snapshot", "--min-psnr"];
        Assert.All(checks, check => Assert.DoesNotContain(check, args));
        // The tool would find the snapshot beside the model by itself.
        Assert.Contains("--no-snapshot", args);
        Assert.False(sandbox.Has(Received));
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("MinPsnr=\"30\"", true)]
    [InlineData("Verify=\"false\" MaxSizeRatio=\"0.3\"", true)]
    public async Task Without_DiffusionEvaluate_only_what_is_checked_is_evaluated(string metadata, bool isEvaluated)
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item.Replace("/>", $"{metadata} />"));

        (await sandbox.BuildAsync("-p:DiffusionEvaluate=false")).Succeeds();
        Assert.Equal(isEvaluated ? 1 : 0, sandbox.Verifications.Count);

        // A snapshot that comes later is a reason, unless the item says that it is none.
        sandbox.Write(Verified, "better");
        var build = await sandbox.BuildAsync("-p:DiffusionEvaluate=false");
        Assert.Equal(metadata.Contains("false") ? 0 : 1, build.ExitCode);
        Assert.Single(sandbox.Starts);
    }

    [Fact]
    public async Task Evaluations_that_change_are_done_again()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.Write("App/quality/images/a.png", "a");
        sandbox.Write("App/quality/net.onnx", "net");
        var item = Item.Replace("/>", "Extractor=\"quality/net.onnx\" Reference=\"quality/images\" />");
        sandbox.WriteProject(item);
        (await sandbox.BuildAsync()).Succeeds();

        Action[] changes =
        [
            () => sandbox.WriteProject(item.Replace("/>", "MinSpeedup=\"0.5\" />")),
            () => sandbox.WriteProject(item.Replace("/>", "MinSpeedup=\"0.25\" />")),
            () => sandbox.Write("App/quality/net.onnx", "another net"),
            () => sandbox.Write("App/quality/images/b.png", "b"),
            () => sandbox.Write(Verified, sandbox.Read($"{Folder}/artifact/model.onnx")),
            () => File.Delete(Path.Combine(sandbox.Folder, Verified)),
            () => File.Delete(Path.Combine(sandbox.Folder, Folder, "evaluation/metrics.json")),
            () => sandbox.Environment["DiffusionEvaluationImages"] = "10000",
        ];
        for (var i = 0; i < changes.Length; i++)
        {
            changes[i]();
            (await sandbox.BuildAsync()).Succeeds();
            Assert.True(sandbox.Verifications.Count == i + 2, $"change {i}: {sandbox.Verifications.Count}");
        }

        Assert.Single(sandbox.Starts);
    }

    [Fact]
    public async Task Clean_takes_the_evaluation_and_leaves_what_lies_beside_the_model()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item);
        (await sandbox.BuildAsync()).Succeeds();
        sandbox.Write(Received, "received");
        sandbox.Write(Verified, sandbox.Read($"{Folder}/evaluation/metrics.json"));
        (await sandbox.BuildAsync()).Succeeds();

        sandbox.WriteProject("");
        (await sandbox.BuildAsync()).Succeeds();
        Assert.Empty(Files($"{sandbox.Folder}/{Folder}"));

        sandbox.WriteProject(Item);
        (await sandbox.BuildAsync()).Succeeds();
        Assert.NotEmpty(Files($"{sandbox.Folder}/{Folder}/evaluation/samples"));
        (await sandbox.DotNetAsync("clean", "App", "-tl:off")).Succeeds();
        Assert.False(sandbox.Has(Folder));
        Assert.True(sandbox.Has(Received));
        Assert.True(sandbox.Has(Verified));
    }

    [Theory]
    [InlineData("FAKE_DIFFQUANT_VERIFY_EXIT", "2", "DQ1114")]
    [InlineData("FAKE_DIFFQUANT_VERIFY_EMPTY", "1", "DQ1118")]
    [InlineData("FAKE_DIFFQUANT_VERIFY_LINES", "error: out of luck", "DQ1117")]
    public async Task A_tool_that_does_not_do_its_work_is_explained(string variable, string value, string code)
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item);
        sandbox.Environment[variable] = value;

        Assert.Equal(code, (await sandbox.BuildAsync()).Fails().Message().Code);
        Assert.False(sandbox.Has($"{Folder}/verify.stamp"));

        sandbox.Environment.Remove(variable);
        (await sandbox.BuildAsync()).Succeeds();
        Assert.Single(sandbox.Starts);
    }

    [Fact]
    public async Task What_the_tool_tells_appears_at_the_item_whatever_it_is()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item);
        sandbox.Environment["FAKE_DIFFQUANT_VERIFY_LINES"] =
            "info: DQ2005: psnr is better.\nwarn: DQ2003: few images.\ninfo: 32 images\ndata: {}";

        var build = (await sandbox.BuildAsync()).Succeeds();

        (string, string, int)[] expected =
        [
            ("message", "DQ2005", ProjectText.ItemsLine),
            ("warning", "DQ2003", ProjectText.ItemsLine),
        ];
        Assert.Equal(expected, build.Messages.Select(m => (m.Kind, m.Code, m.Line)));
        Assert.Contains("32 images", build.Output);
        Assert.DoesNotContain("{}", build.Output);
    }

    private static string[] Files(string folder) =>
        Directory.Exists(folder) ? Directory.GetFiles(folder, "*", SearchOption.AllDirectories) : [];
}
