using DiffusionQuant.Build.Tests.Sandboxes;

namespace DiffusionQuant.Build.Tests;

/// <summary>Projects for several frameworks, of which only some have the run-time library.</summary>
public sealed class FrameworksTests
{
    [Fact]
    public async Task Several_frameworks_at_once_quantize_once_and_each_gets_the_files()
    {
        var sandbox = await Sandbox.CreateAsync("net10.0;net9.0;netstandard2.0");
        sandbox.Environment["FAKE_DIFFQUANT_SLEEP"] = "1000";
        sandbox.WriteProject(
            """<DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" />""",
            outputType: "Library"
        );
        sandbox.Write(
            "App/Program.cs",
            """
            public static class Program
            {
                public static string Folder => Sample.DiffusionModels.DdpmFashion.Folder;
            #if NET10_0_OR_GREATER
                public static object Load() => Sample.DiffusionModels.DdpmFashion.Load();
            #endif
            }
            """
        );

        (await sandbox.BuildAsync("-m")).Succeeds();

        Assert.Equal(3, sandbox.Runs.Count);
        Assert.Single(sandbox.Runs, run => run.Quantized);
        Assert.Equal(3, sandbox.Verifications.Count);
        foreach (var framework in (string[])["net10.0", "net9.0", "netstandard2.0"])
        {
            Assert.True(sandbox.Has($"App/bin/Debug/{framework}/Models/App/ddpm-fashion/model.onnx"), framework);
            var source = sandbox.Read($"App/obj/Debug/{framework}/diffusionquant/DiffusionModels.g.cs");
            Assert.Equal(framework == "net10.0", source.Contains(" Load("));
        }

        (await sandbox.BuildAsync("-m")).Succeeds();
        Assert.Equal(3, sandbox.Starts.Count);
        Assert.Equal(3, sandbox.Verifications.Count);
    }

    [Fact]
    public async Task Verifying_can_be_left_to_one_framework()
    {
        var sandbox = await Sandbox.CreateAsync("net10.0;net9.0;netstandard2.0");
        const string Others = "Condition=\"'$(TargetFramework)' != 'net10.0'\"";
        sandbox.Write("App/Program.cs", "public static class Program { }");
        sandbox.WriteProject(
            """<DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" Verify="true" />""",
            $"<DiffusionVerify {Others}>false</DiffusionVerify><DiffusionEvaluate {Others}>false</DiffusionEvaluate>",
            outputType: "Library"
        );

        var build = (await sandbox.BuildAsync()).Fails();

        Assert.Equal("DQ2006", build.Message().Code);
        Assert.Contains("net10.0", Assert.Single(sandbox.Verifications).Option("-o"));
    }
}
