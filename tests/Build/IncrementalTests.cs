using DiffusionQuant.Build.Tests.Sandboxes;

namespace DiffusionQuant.Build.Tests;

/// <summary>What is done again, and what is not.</summary>
public sealed class IncrementalTests
{
    private const string Item = """<DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" />""";
    private const string Output = "App/bin/Debug/net10.0/Models/ddpm-fashion/model.onnx";

    [Fact]
    public async Task The_first_build_quantizes_and_the_second_does_nothing()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item);

        (await sandbox.BuildAsync()).Succeeds();
        Assert.True(Assert.Single(sandbox.Runs).Quantized);
        Assert.StartsWith("W4A8", sandbox.Read(Output));
        Assert.True(sandbox.Has("App/bin/Debug/net10.0/Models/ddpm-fashion/scheduler_config.json"));

        var second = (await sandbox.BuildAsync("-v:d")).Succeeds();
        foreach (var target in (string[])["QuantizeDiffusionModels", "VerifyDiffusionModels"])
        {
            Assert.Contains($"Skipping target \"{target}\" because all output files are up-to-date", second.Output);
        }

        Assert.Single(sandbox.Starts);
        Assert.Single(sandbox.Verifications);
        Assert.True(sandbox.Has(Output));
    }

    [Fact]
    public async Task A_changed_option_redoes_its_item_only()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteModel("other", "other weights");
        sandbox.WriteProject(Item + "\n" + """<DiffusionModel Include="Models/other" Quantize="W8A8" />""");
        (await sandbox.BuildAsync()).Succeeds();
        Assert.Equal(2, sandbox.Runs.Count);

        sandbox.WriteProject(Item + "\n" + """<DiffusionModel Include="Models/other" Quantize="W8A8" Seed="7" />""");
        (await sandbox.BuildAsync()).Succeeds();

        Assert.Equal(3, sandbox.Runs.Count);
        Assert.Equal("other", sandbox.Runs[2].Model);
        Assert.Equal("7", sandbox.Runs[2].Option("--seed"));
    }

    [Fact]
    public async Task Going_back_to_former_options_brings_back_the_former_files()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item);
        (await sandbox.BuildAsync()).Succeeds();
        var first = sandbox.Read(Output);

        sandbox.WriteProject(Item.Replace("W4A8", "W8A8"));
        (await sandbox.BuildAsync()).Succeeds();
        Assert.StartsWith("W8A8", sandbox.Read(Output));

        sandbox.WriteProject(Item);
        (await sandbox.BuildAsync()).Succeeds();
        Assert.Equal(first, sandbox.Read(Output));
        Assert.Equal([true, true, false], sandbox.Runs.Select(r => r.Quantized));
    }

    [Fact]
    public async Task A_changed_file_of_the_model_redoes_it_even_if_it_is_older()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item);
        (await sandbox.BuildAsync()).Succeeds();

        sandbox.WriteModel("ddpm-fashion", "older weights");
        var file = Path.Combine(sandbox.Folder, "App/Models/ddpm-fashion/unet/model.onnx");
        File.SetLastWriteTimeUtc(file, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        (await sandbox.BuildAsync()).Succeeds();

        Assert.Equal([true, true], sandbox.Runs.Select(r => r.Quantized));
    }

    [Fact]
    public async Task A_deleted_result_is_made_again()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item);
        (await sandbox.BuildAsync()).Succeeds();

        File.Delete(
            Path.Combine(sandbox.Folder, "App/obj/Debug/net10.0/diffusionquant/ddpm-fashion/artifact/model.onnx")
        );
        (await sandbox.BuildAsync()).Succeeds();

        Assert.Equal([true, false], sandbox.Runs.Select(r => r.Quantized));
    }

    [Fact]
    public async Task Where_the_files_go_is_no_reason_to_quantize_again()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item);
        (await sandbox.BuildAsync()).Succeeds();

        sandbox.WriteProject(Item.Replace("/>", "Link=\"elsewhere/fashion\" />"));
        (await sandbox.BuildAsync()).Succeeds();

        Assert.Single(sandbox.Starts);
        Assert.True(sandbox.Has("App/bin/Debug/net10.0/elsewhere/fashion/model.onnx"));
        Assert.False(sandbox.Has(Output));
    }

    [Fact]
    public async Task Force_quantizes_what_is_up_to_date()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item);
        (await sandbox.BuildAsync()).Succeeds();
        (await sandbox.BuildAsync("-p:DiffusionForceQuantize=true")).Succeeds();

        Assert.Equal([true, true], sandbox.Runs.Select(r => r.Quantized));
        Assert.Contains("--force", sandbox.Runs[1].Args);
    }

    [Fact]
    public async Task An_item_that_is_taken_out_takes_its_files_along()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(Item);
        (await sandbox.BuildAsync()).Succeeds();
        sandbox.WriteProject("");
        (await sandbox.BuildAsync()).Succeeds();

        Assert.False(sandbox.Has(Output));
        Assert.False(sandbox.Has("App/obj/Debug/net10.0/diffusionquant/ddpm-fashion/model.stamp"));
    }
}
