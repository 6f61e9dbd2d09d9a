using System.Diagnostics;
using DiffusionQuant.Build.Tests.Sandboxes;

namespace DiffusionQuant.Build.Tests;

/// <summary>Builds that are killed, cancelled, slow, or at work at the same time.</summary>
public sealed class InterruptionTests
{
    private const string Item = """<DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" />""";
    private const string Stamp = "App/obj/Debug/net10.0/diffusionquant/ddpm-fashion/model.stamp";

    [Fact]
    public async Task A_killed_build_leaves_no_stamp_and_the_next_one_is_well()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item);
        sandbox.Environment["FAKE_DIFFQUANT_SLEEP"] = "60000";

        using (var build = sandbox.Start("build", "App", "--no-restore", "-tl:off"))
        {
            var end = DotNet.FinishAsync(build);
            await UntilAsync(() => sandbox.Starts.Count == 1);
            build.Kill(entireProcessTree: true);
            await end;
        }

        Assert.False(sandbox.Has(Stamp));
        sandbox.Environment.Remove("FAKE_DIFFQUANT_SLEEP");
        (await sandbox.BuildAsync()).Succeeds();
        Assert.True(Assert.Single(sandbox.Runs).Quantized);
        Assert.True(sandbox.Has(Stamp));
    }

    [Theory]
    [InlineData("FAKE_DIFFQUANT_SLEEP", "model.stamp")]
    [InlineData("FAKE_DIFFQUANT_VERIFY_SLEEP", "verify.stamp")]
    public async Task Cancelling_a_build_kills_the_tool(string sleep, string stamp)
    {
        if (OperatingSystem.IsWindows())
        {
            // There is no way there to send one process what Ctrl+C sends to a console's.
            return;
        }

        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item);
        sandbox.Environment[sleep] = "60000";
        var isVerifying = stamp == "verify.stamp";

        using var build = sandbox.Start("build", "App", "--no-restore", "-tl:off");
        var end = DotNet.FinishAsync(build);
        IReadOnlyList<ToolRun> Started() => isVerifying ? sandbox.Verifications : sandbox.Starts;
        await UntilAsync(() => Started().Count == 1);
        var tool = Started()[0].ProcessId;
        Assert.True(IsRunning(tool));
        Process.Start("kill", ["-INT", $"{build.Id}"]).WaitForExit();
        (await end).Fails();

        await UntilAsync(() => !IsRunning(tool));
        Assert.False(sandbox.Has(Path.Combine(Path.GetDirectoryName(Stamp)!, stamp)));
        Assert.Equal(isVerifying ? 1 : 0, sandbox.Runs.Count);
        Assert.False(sandbox.Has("App/bin/Debug/net10.0/App.dll"));
    }

    [Fact]
    public async Task Two_builds_at_once_quantize_once()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item);
        sandbox.Environment["FAKE_DIFFQUANT_SLEEP"] = "2000";
        var clone = sandbox.Clone();
        clone.Environment["FAKE_DIFFQUANT_SLEEP"] = "2000";

        var builds = await Task.WhenAll(sandbox.BuildAsync(), clone.BuildAsync(), sandbox.BuildAsync("-c", "Release"));

        Assert.All(builds, build => build.Succeeds());
        Assert.Single([.. sandbox.Runs, .. clone.Runs], run => run.Quantized);
        foreach (var (folder, configuration) in new[] { (sandbox, "Debug"), (clone, "Debug"), (sandbox, "Release") })
        {
            Assert.True(folder.Has($"App/bin/{configuration}/net10.0/Models/ddpm-fashion/model.onnx"));
        }
    }

    [Fact]
    public async Task A_long_job_announces_itself_once_and_a_quick_one_does_not()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(
            Item,
            "<TreatWarningsAsErrors>true</TreatWarningsAsErrors><DiffusionNoticeSeconds>1</DiffusionNoticeSeconds>"
        );
        sandbox.Environment["FAKE_DIFFQUANT_SLEEP"] = "2500";
        var message = (await sandbox.BuildAsync()).Succeeds().Message();
        Assert.Equal(("message", "DQ1116", ProjectText.ItemsLine), (message.Kind, message.Code, message.Line));
        Assert.Contains("progress.json", message.Text);

        Assert.Contains("quantizing", message.Text);

        sandbox.WriteProject(Item.Replace("W4A8", "W8A8"), "<DiffusionNoticeSeconds>1</DiffusionNoticeSeconds>");
        sandbox.Environment.Remove("FAKE_DIFFQUANT_SLEEP");
        sandbox.Environment["FAKE_DIFFQUANT_VERIFY_SLEEP"] = "2500";
        message = (await sandbox.BuildAsync()).Succeeds().Message();
        Assert.Equal(("message", "DQ1116"), (message.Kind, message.Code));
        Assert.Contains("evaluating", message.Text);

        sandbox.WriteProject(Item.Replace("W4A8", "W8A4"), "<DiffusionNoticeSeconds>60</DiffusionNoticeSeconds>");
        sandbox.Environment.Remove("FAKE_DIFFQUANT_VERIFY_SLEEP");
        Assert.Empty((await sandbox.BuildAsync()).Succeeds().Messages);
    }

    private static bool IsRunning(int processId) => Process.GetProcesses().Any(p => p.Id == processId);

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var waited = 0; !condition(); waited += 100)
        {
            Assert.True(waited < 60_000, "Waited for a minute.");
            await Task.Delay(100);
        }
    }
}
