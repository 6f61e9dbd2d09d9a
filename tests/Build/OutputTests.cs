using DiffusionQuant.Build.Tests.Sandboxes;

namespace DiffusionQuant.Build.Tests;

/// <summary>Where the files go: beside the app, into the assembly, through references; and how they go away.</summary>
public sealed class OutputTests
{
    private const string Item = """<DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" />""";

    [Fact]
    public async Task The_app_loads_its_model_through_the_generated_class()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item);
        sandbox.Write("App/Program.cs", "System.Console.WriteLine(Sample.DiffusionModels.DdpmFashion.Load().Model);");
        (await sandbox.BuildAsync()).Succeeds();

        var app = await sandbox.DotNetAsync("exec", "App/bin/Debug/net10.0/App.dll");

        Assert.StartsWith("W4A8", app.Succeeds().Output);
    }

    [Fact]
    public async Task An_embedded_model_is_in_the_assembly_and_follows_its_options()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item.Replace("/>", "Embed=\"true\" />"));
        sandbox.Write("App/Program.cs", "System.Console.WriteLine(Sample.DiffusionModels.DdpmFashion.Load().Model);");
        (await sandbox.BuildAsync()).Succeeds();
        Assert.StartsWith("W4A8", (await sandbox.DotNetAsync("exec", "App/bin/Debug/net10.0/App.dll")).Output);
        Assert.False(sandbox.Has("App/bin/Debug/net10.0/Models"));

        sandbox.WriteProject(Item.Replace("/>", "Embed=\"true\" />").Replace("W4A8", "W8A8"));
        (await sandbox.BuildAsync()).Succeeds();
        Assert.StartsWith("W8A8", (await sandbox.DotNetAsync("exec", "App/bin/Debug/net10.0/App.dll")).Output);

        // From the cache: files that are older than the assembly they go into.
        sandbox.WriteProject(Item.Replace("/>", "Embed=\"true\" />"));
        (await sandbox.BuildAsync()).Succeeds();
        Assert.StartsWith("W4A8", (await sandbox.DotNetAsync("exec", "App/bin/Debug/net10.0/App.dll")).Output);
    }

    [Fact]
    public async Task A_referencing_app_gets_the_files_of_the_library()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item, outputType: "Library");
        sandbox.Write(
            "App/Program.cs",
            "public static class Models { public static string Folder => Sample.DiffusionModels.DdpmFashion.Folder; }"
        );
        sandbox.Write(
            "Referencing/Referencing.csproj",
            """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
              </PropertyGroup>
              <ItemGroup>
                <ProjectReference Include="../App/App.csproj" />
              </ItemGroup>
            </Project>
            """
        );
        sandbox.Write(
            "Referencing/Program.cs",
            "System.Console.WriteLine(System.IO.File.ReadAllText(System.IO.Path.Combine(Models.Folder, \"model.onnx\")));"
        );

        (await sandbox.DotNetAsync("publish", "Referencing", "-tl:off", "-o", "out")).Succeeds();

        Assert.Single(sandbox.Runs);
        Assert.StartsWith(
            "W4A8",
            (await sandbox.DotNetAsync("exec", "Referencing/bin/Release/net10.0/Referencing.dll")).Output
        );
        Assert.StartsWith("W4A8", (await sandbox.DotNetAsync("exec", "out/Referencing.dll")).Output);
    }

    [Fact]
    public async Task Files_of_the_float_model_that_a_web_app_publishes_give_way()
    {
        var sandbox = await Sandbox.CreateAsync();
        // As the Web SDK has it of itself, and as a project may ask for the float model elsewhere.
        sandbox.WriteProject(
            $"""
            {Item}
            <Content Include="Models/**/*.json" Exclude="Models/**/config.json" CopyToPublishDirectory="PreserveNewest" />
            <Content Include="Models/**/config.json" Link="Float/config.json" CopyToPublishDirectory="PreserveNewest" />
            """
        );
        sandbox.Write("App/Models/ddpm-fashion/scheduler_config.json", "float");
        sandbox.Write("App/Models/ddpm-fashion/config.json", "float");
        sandbox.Write("App/Models/other.json", "other");

        (await sandbox.DotNetAsync("publish", "App", "-tl:off", "-o", "out")).Succeeds();

        Assert.NotEqual("float", sandbox.Read("out/Models/ddpm-fashion/scheduler_config.json"));
        Assert.Equal("float", sandbox.Read("out/Float/config.json"));
        Assert.Equal("other", sandbox.Read("out/Models/other.json"));
    }

    [Fact]
    public async Task Clean_removes_all_but_the_cache()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item);
        (await sandbox.BuildAsync()).Succeeds();
        // As a tool that was killed might have left it.
        sandbox.Write("App/obj/Debug/net10.0/diffusionquant/ddpm-fashion/artifact.1234/model.onnx", "half");

        (await sandbox.DotNetAsync("clean", "App", "-tl:off")).Succeeds();
        Assert.False(sandbox.Has("App/obj/Debug/net10.0/diffusionquant"));
        Assert.False(sandbox.Has("App/bin/Debug/net10.0/Models/ddpm-fashion/model.onnx"));

        (await sandbox.BuildAsync()).Succeeds();
        Assert.Equal([true, false], sandbox.Runs.Select(r => r.Quantized));
        Assert.True(sandbox.Has("App/bin/Debug/net10.0/Models/ddpm-fashion/model.onnx"));
    }

    [Fact]
    public async Task The_class_can_be_left_out_and_a_name_be_chosen()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(
            Item.Replace("/>", "Name=\"my model.v2\" />"),
            "<DiffusionGenerateModelsClass>false</DiffusionGenerateModelsClass>"
        );
        (await sandbox.BuildAsync()).Succeeds();

        Assert.False(sandbox.Has("App/obj/Debug/net10.0/diffusionquant/DiffusionModels.g.cs"));
        Assert.True(sandbox.Has("App/bin/Debug/net10.0/Models/my model.v2/model.onnx"));
    }
}
