using DiffusionQuant.Tool.Caching;

namespace DiffusionQuant.Tool.Tests.Caching;

public sealed class CacheLocationTests
{
    private static readonly string Root = Path.GetPathRoot(Path.GetTempPath())!;

    [Fact]
    public void The_variable_names_the_folder_itself() =>
        Assert.Equal(
            Path.Combine(Root, "here"),
            CacheLocation.Default(
                Variables(("DIFFUSIONQUANT_CACHE", Path.Combine(Root, "here")), ("XDG_CACHE_HOME", Root))
            )
        );

    [Fact]
    public void Else_it_lies_in_the_users_cache() =>
        Assert.Equal(
            Path.Combine(Root, "xdg", "diffusionquant"),
            CacheLocation.Default(Variables(("XDG_CACHE_HOME", Path.Combine(Root, "xdg"))))
        );

    [Fact]
    public void Without_variables_there_is_a_place_too()
    {
        var place = CacheLocation.Default(Variables(("HOME", Root)));
        Assert.True(Path.IsPathFullyQualified(place));
        Assert.EndsWith("diffusionquant", place);
    }

    private static Func<string, string?> Variables(params (string Name, string Value)[] variables) =>
        name => variables.FirstOrDefault(v => v.Name == name).Value;
}
