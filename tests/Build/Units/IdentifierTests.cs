using DiffusionQuant.Build.Generation;

namespace DiffusionQuant.Build.Tests.Units;

/// <summary>C# names from names of files.</summary>
public sealed class IdentifierTests
{
    [Theory]
    [InlineData("ddpm-fashion", "DdpmFashion")]
    [InlineData("stable_diffusion 1.5", "StableDiffusion15")]
    [InlineData("2d-unet", "_2dUnet")]
    [InlineData("DDPM", "DDPM")]
    [InlineData("load", "LoadModel")]
    [InlineData("folder-of", "FolderOfModel")]
    [InlineData("diffusion-models", "DiffusionModelsModel")]
    public void Class_names_are_pascal_case_and_never_clash_with_members(string name, string expected) =>
        Assert.Equal(expected, Identifier.ClassName(name));

    [Theory]
    [InlineData("", "")]
    [InlineData("My.App", "My.App")]
    [InlineData("my-app.2d.event", "my_app._2d.@event")]
    public void Namespaces_are_made_valid(string name, string expected) =>
        Assert.Equal(expected, Identifier.Namespace(name));
}
