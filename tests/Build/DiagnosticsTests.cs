using DiffusionQuant.Build.Tests.Sandboxes;

namespace DiffusionQuant.Build.Tests;

/// <summary>What is wrong is said with a code, at its place in the project file, before the tool is started.</summary>
public sealed class DiagnosticsTests
{
    private const int Line = ProjectText.ItemsLine;

    [Fact]
    public async Task Bad_metadata_is_reported_at_its_line_and_column_all_at_once()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.Write("App/Models/a.onnx", "");
        sandbox.WriteProject(
            """
            <DiffusionModel Include="Models/missing" Quantize="W4A8" />
                <DiffusionModel Include="Models/ddpm-fashion" />
                <DiffusionModel Include="Models/*.onnx" Quantize="W4A8" Steps="many"
                                Embed="perhaps">
                  <Recipe>no.json</Recipe>
                </DiffusionModel>
                <DiffusionModel Include="Models\ddpm-fashion\" Name="second" Quantize="W4A8" InputRoles="x" Link="../up" />
                <DiffusionModel Include="Models/ddpm-fashion" Quantize="W8A8" Name="Second" />
                <DiffusionModel Include="Models/ddpm-fashion" Quantize="W8A8" Name="third" Link="Models/A" />
                <DiffusionModel Include="Models/ddpm-fashion" Quantize="W8A8" Name="..." />
            """
        );

        var build = (await sandbox.BuildAsync()).Fails();

        Assert.Empty(sandbox.Starts);
        Assert.All(build.Messages, message => Assert.Equal(("error", "App.csproj"), (message.Kind, message.File)));
        (string, int, int)[] expected =
        [
            ("DQ1101", Line, 5),
            ("DQ1102", Line + 1, 5),
            ("DQ1103", Line + 2, 61),
            ("DQ1104", Line + 3, 21),
            ("DQ1105", Line + 4, 7),
            ("DQ1106", Line + 6, 82),
            ("DQ1109", Line + 6, 97),
            ("DQ1107", Line + 7, 67),
            ("DQ1108", Line + 8, 80),
            ("DQ1110", Line + 9, 67),
        ];
        Assert.Equal(expected, build.Messages.Select(m => (m.Code, m.Line, m.Column)).OrderBy(m => (m.Line, m.Column)));
    }

    [Fact]
    public async Task An_item_of_an_imported_file_is_reported_there()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject("", "", "Exe");
        sandbox.Write(
            "App/Directory.Build.targets",
            """
            <Project>
              <PropertyGroup><ModelName>missing</ModelName></PropertyGroup>
              <ItemGroup>
                <DiffusionModel Include="Models/other.onnx" Condition="false" />
                <DiffusionModel Include="Models/$(ModelName)" Quantize="W4A8" />
              </ItemGroup>
            </Project>
            """
        );

        var message = (await sandbox.BuildAsync()).Fails().Message();

        Assert.Equal(
            ("DQ1101", "Directory.Build.targets", 5, 5),
            (message.Code, message.File, message.Line, message.Column)
        );
    }

    [Fact]
    public async Task An_error_of_the_tool_appears_at_the_item_with_its_own_code()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject("""<DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" />""");
        sandbox.Environment["FAKE_DIFFQUANT_EXIT"] = "1";
        sandbox.Environment["FAKE_DIFFQUANT_LINES"] =
            "info: loading\nwarn: DQ4001: no GPU {0}.\nerror: DQ1042: Models: no denoiser – 100 %.";

        var build = (await sandbox.BuildAsync()).Fails();

        BuildMessage[] expected =
        [
            new("warning", "DQ4001", "App.csproj", Line, 5, "no GPU {0}."),
            new("error", "DQ1042", "App.csproj", Line, 5, "Models: no denoiser – 100 %."),
        ];
        Assert.Equal(expected, build.Messages);
        Assert.Contains("loading", build.Output);
        Assert.DoesNotContain("MSB6006", build.Output);

        // The next build tries again, and gets it right.
        sandbox.Environment.Remove("FAKE_DIFFQUANT_EXIT");
        sandbox.Environment.Remove("FAKE_DIFFQUANT_LINES");
        (await sandbox.BuildAsync()).Succeeds();
        Assert.True(Assert.Single(sandbox.Runs).Quantized);
    }

    [Theory]
    [InlineData("FAKE_DIFFQUANT_EXIT", "2", "DQ1114", "out of memory")]
    [InlineData("FAKE_DIFFQUANT_EXIT", "150", "DQ1113", ".NET 10")]
    [InlineData("FAKE_DIFFQUANT_LINES", "error: out of luck", "DQ1117", "out of luck")]
    [InlineData("FAKE_DIFFQUANT_EMPTY", "1", "DQ1115", "quantization.json")]
    [InlineData("DiffusionQuantToolPath", "/nowhere/diffquant.dll", "DQ1112", "/nowhere/diffquant.dll")]
    [InlineData("DiffusionQuantizeStage", "sometimes", "DQ1111", "sometimes")]
    public async Task A_tool_that_does_not_do_its_work_is_explained(
        string variable,
        string value,
        string code,
        string says
    )
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject("""<DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" />""");
        sandbox.Environment["FAKE_DIFFQUANT_LINES"] = "out of memory";
        sandbox.Environment[variable] = value;

        var build = (await sandbox.BuildAsync()).Fails();

        Assert.Contains($"error {code}: ", build.Output);
        Assert.Contains(says, build.Output);
        Assert.False(sandbox.Has("App/obj/Debug/net10.0/diffusionquant/ddpm-fashion/model.stamp"));
    }
}
