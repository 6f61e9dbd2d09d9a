using DiffusionQuant.Build.Tests.Sandboxes;

namespace DiffusionQuant.Build.Tests;

/// <summary>Projects that reference others with models, or the package in other ways than by a plain PackageReference.</summary>
public sealed class ReferenceTests
{
    private const string Model = """<DiffusionModel Include="Models/foo" Quantize="W4A8" />""";

    [Fact]
    public async Task Models_of_one_name_in_two_libraries_are_both_there_for_the_app()
    {
        var sandbox = await WithLibrariesAsync(Model, Model.Replace("W4A8", "W8A8"));

        (await BuildAsync(sandbox)).Succeeds();

        var app = (await sandbox.DotNetAsync("exec", "Both/bin/Debug/net10.0/Both.dll")).Succeeds();
        var lines = app.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("W4A8", lines[0]);
        Assert.StartsWith("W8A8", lines[1]);
    }

    [Fact]
    public async Task Two_models_for_one_folder_are_an_error_unless_they_are_the_same()
    {
        const string Linked = "Link=\"Models/foo\" />";
        var sandbox = await WithLibrariesAsync(
            Model.Replace("/>", Linked),
            Model.Replace("W4A8", "W8A8").Replace("/>", Linked)
        );

        var build = (await BuildAsync(sandbox)).Fails();
        Assert.Contains("Both.csproj : error DQ1151: the output folder 'Models/foo'", build.Output);
        Assert.Contains(Path.Combine(sandbox.Folder, "LibA/Models/foo"), build.Output);
        Assert.Contains(Path.Combine(sandbox.Folder, "LibB/Models/foo"), build.Output);

        WriteLibrary(sandbox, "LibB", Model.Replace("/>", Linked));
        (await BuildAsync(sandbox)).Succeeds();
    }

    [Theory]
    [InlineData("""<GlobalPackageReference Include="DiffusionQuant.Build" Version="VERSION" />""")]
    [InlineData(
        """<PackageVersion Include="DiffusionQuant.Build" Version="VERSION" />""",
        """<PackageReference Include="DiffusionQuant.Build" IncludeAssets="runtime;build" />"""
    )]
    public async Task Without_the_library_to_compile_with_there_is_no_Load_and_a_warning_says_why(
        string central,
        string own = ""
    )
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.Write("Central/Models/foo/unet/model.onnx", "weights");
        sandbox.Write(
            "Central/Directory.Packages.props",
            $"""
            <Project>
              <PropertyGroup>
                <ManagePackageVersionsCentrally>true</ManagePackageVersionsCentrally>
              </PropertyGroup>
              <ItemGroup>
                {central.Replace("VERSION", Feed.PackageVersion)}
                <PackageVersion Include="DiffusionQuant.Diffusion" Version="{Feed.PackageVersion}" />
              </ItemGroup>
            </Project>
            """
        );
        sandbox.Write("Central/Program.cs", "System.Console.WriteLine(Sample.DiffusionModels.Foo.Folder);");
        WriteProject(own);

        var build = (await sandbox.DotNetAsync("build", "Central", "-tl:off")).Succeeds();

        // A slow machine gets messages about that besides.
        var warning = Assert.Single(build.Messages, message => message.Kind == "warning");
        Assert.Equal(
            ("warning", "DQ1150", "Central.csproj", 9),
            (warning.Kind, warning.Code, warning.File, warning.Line)
        );
        Assert.DoesNotContain(" Load(", sandbox.Read("Central/obj/Debug/net10.0/diffusionquant/DiffusionModels.g.cs"));

        // As it says.
        sandbox.Write("Central/Program.cs", "System.Console.WriteLine(Sample.DiffusionModels.Foo.Load().Model);");
        WriteProject(own + """<PackageReference Include="DiffusionQuant.Diffusion" />""");
        build = (await sandbox.DotNetAsync("build", "Central", "-tl:off")).Succeeds();
        Assert.DoesNotContain(build.Messages, message => message.Kind == "warning");

        void WriteProject(string references) =>
            sandbox.Write(
                "Central/Central.csproj",
                $"""
                <Project Sdk="Microsoft.NET.Sdk">
                  <PropertyGroup>
                    <OutputType>Exe</OutputType>
                    <TargetFramework>net10.0</TargetFramework>
                    <RootNamespace>Sample</RootNamespace>
                  </PropertyGroup>
                  <ItemGroup>
                    {references}
                    {Model}
                  </ItemGroup>
                </Project>
                """
            );
    }

    /// <summary>An app that reads the models of two libraries.</summary>
    private static async Task<Sandbox> WithLibrariesAsync(string itemOfA, string itemOfB)
    {
        var sandbox = await Sandbox.CreateAsync();
        WriteLibrary(sandbox, "LibA", itemOfA);
        WriteLibrary(sandbox, "LibB", itemOfB);
        sandbox.Write(
            "Both/Both.csproj",
            """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
              </PropertyGroup>
              <ItemGroup>
                <ProjectReference Include="../LibA/LibA.csproj" />
                <ProjectReference Include="../LibB/LibB.csproj" />
              </ItemGroup>
            </Project>
            """
        );
        sandbox.Write(
            "Both/Program.cs",
            """
            System.Console.WriteLine(System.IO.File.ReadAllText(System.IO.Path.Combine(LibA.Models.Folder, "model.onnx")));
            System.Console.WriteLine(System.IO.File.ReadAllText(System.IO.Path.Combine(LibB.Models.Folder, "model.onnx")));
            """
        );
        return sandbox;
    }

    private static void WriteLibrary(Sandbox sandbox, string name, string item)
    {
        sandbox.Write($"{name}/{name}.csproj", ProjectText.Of("net10.0", item, outputType: "Library"));
        sandbox.Write($"{name}/Models/foo/unet/model.onnx", "weights");
        sandbox.Write(
            $"{name}/Models.cs",
            $"namespace {name} {{ public static class Models {{ public static string Folder => Sample.DiffusionModels.Foo.Folder; }} }}"
        );
    }

    private static Task<BuildResult> BuildAsync(Sandbox sandbox) =>
        sandbox.DotNetAsync("build", "Both", "-tl:off", "-p:DiffusionEvaluate=false");
}
