using DiffusionQuant.Build.Diagnostics;

namespace DiffusionQuant.Build.Tests.Units;

/// <summary>Which element of a project file an item came from.</summary>
public sealed class SourceLocationTests
{
    [Theory]
    [InlineData("Models/plain", null, 4, 5)]
    [InlineData("Models/plain", "Quantize", 4, 44)]
    [InlineData("Models/plain", "Seed", 4, 5)]
    [InlineData("Models/second", null, 5, 5)]
    [InlineData("Models/deep/er/x.onnx", null, 6, 5)]
    [InlineData("Models/deep/x.onnx", "Seed", 7, 7)]
    [InlineData("Models/v2/model", null, 9, 5)]
    [InlineData("Models/v2/other", null, 0, 0)]
    public void An_item_is_found_by_what_its_include_can_stand_for(
        string include,
        string? metadata,
        int line,
        int column
    )
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(
            file,
            """
            <Project>
              <PropertyGroup><Version>2</Version></PropertyGroup>
              <ItemGroup>
                <DiffusionModel Include="Models\plain" Quantize="W4A8" />
                <DiffusionModel Include="Models/first;Models/second" />
                <DiffusionModel Include="Models/deep/**/*.onnx">
                  <Seed>1</Seed>
                </DiffusionModel>
                <DiffusionModel Include="$(ModelFolder)/v$(Version)/mode?" Exclude="@(Other)" />
                <Other Include="Models/v2/other" />
              </ItemGroup>
            </Project>
            """
        );

        var location = SourceLocation.Find(file, include, NoMetadata, metadata);

        Assert.Equal((file, line, column), (location.File, location.Line, location.Column));
        File.Delete(file);
    }

    [Fact]
    public void Without_a_readable_file_the_message_has_the_file_only()
    {
        Assert.Equal("/nowhere/x.csproj", SourceLocation.Find("/nowhere/x.csproj", "a", NoMetadata).File);
        Assert.Equal(0, SourceLocation.Find(null, "a", NoMetadata).Line);
    }

    private static string NoMetadata(string name) => "";
}
