namespace DiffusionQuant.Build.Tests.Sandboxes;

/// <summary>Project files as a user would write them.</summary>
internal static class ProjectText
{
    /// <summary>The line on which the items of <see cref="Of"/> begin.</summary>
    public const int ItemsLine = 12;

    public static string Of(
        string targetFrameworks,
        string items = "",
        string properties = "",
        string outputType = "Exe"
    ) =>
        $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>{outputType}</OutputType>
                <{Plural(targetFrameworks)}>{targetFrameworks}</{Plural(targetFrameworks)}>
                <RootNamespace>Sample</RootNamespace>
                {properties}
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="DiffusionQuant.Build" Version="{Feed.PackageVersion}" />
              </ItemGroup>
              <ItemGroup>
                {items}
              </ItemGroup>
            </Project>
            """;

    private static string Plural(string targetFrameworks) =>
        targetFrameworks.Contains(';') ? "TargetFrameworks" : "TargetFramework";
}
