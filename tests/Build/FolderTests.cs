using DiffusionQuant.Build.Tests.Sandboxes;

namespace DiffusionQuant.Build.Tests;

/// <summary>The generated class finds its model however the app was published, and whoever started it.</summary>
public sealed class FolderTests
{
    private const string Item = """<DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" />""";
    private const string Load = "System.Console.WriteLine(Sample.DiffusionModels.DdpmFashion.Load().Model);";

    [Theory]
    [InlineData("-p:IncludeAllContentForSelfExtract=true")]
    [InlineData("-p:IncludeAllContentForSelfExtract=false")]
    public async Task An_app_of_a_single_file_loads_its_model(string extraction)
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item, "<TreatWarningsAsErrors>true</TreatWarningsAsErrors>");
        sandbox.Write("App/Program.cs", Load);
        // The single file unpacks itself here, and not into the user's folder.
        sandbox.Environment["DOTNET_BUNDLE_EXTRACT_BASE_DIR"] = Path.Combine(sandbox.Folder, "unpacked");

        var publish = await sandbox.DotNetAsync(
            "publish",
            "App",
            "-tl:off",
            "--use-current-runtime",
            "--self-contained",
            "false",
            "-p:PublishSingleFile=true",
            "-p:DiffusionEvaluate=false",
            extraction,
            "-o",
            "first"
        );

        publish.Succeeds();
        // Wherever it is copied to.
        Directory.Move(Path.Combine(sandbox.Folder, "first"), Path.Combine(sandbox.Folder, "second"));
        var app = await sandbox.RunAsync(Path.Combine(sandbox.Folder, "second", "App"));
        Assert.StartsWith("W4A8", app.Succeeds().Output);
        Assert.False(File.Exists(Path.Combine(sandbox.Folder, "second", "App.dll")));
    }

    [Fact]
    public async Task A_library_loads_its_own_model_in_a_host_that_lies_elsewhere_and_has_another_of_the_name()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item.Replace("/>", "Link=\"Models/foo\" />"), outputType: "Library");
        sandbox.Write(
            "App/Program.cs",
            "public static class Plugin { public static string Load() => Sample.DiffusionModels.DdpmFashion.Folder; }"
        );
        sandbox.Write("Host/Host.csproj", ProjectText.Of("net10.0", ""));
        sandbox.Write(
            "Host/Program.cs",
            """
            var plugin = System.Reflection.Assembly.LoadFrom(args[0]).GetType("Plugin")!;
            System.Console.WriteLine(plugin.GetMethod("Load")!.Invoke(null, null));
            """
        );
        (await sandbox.BuildAsync("-p:DiffusionEvaluate=false")).Succeeds();
        (await sandbox.DotNetAsync("build", "Host", "-tl:off")).Succeeds();
        sandbox.Write("Host/bin/Debug/net10.0/Models/foo/model.onnx", "the host's own");

        var library = Path.Combine(sandbox.AppFolder, "bin/Debug/net10.0");
        var host = await sandbox.DotNetAsync(
            "exec",
            "Host/bin/Debug/net10.0/Host.dll",
            Path.Combine(library, "App.dll")
        );

        Assert.Equal(Path.Combine(library, "Models/foo"), host.Succeeds().Output.Trim());
    }
}
