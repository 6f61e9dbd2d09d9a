using DiffusionQuant.Build.Tests.Sandboxes;

namespace DiffusionQuant.Build.Tests;

/// <summary>Every file that a result was made from makes it anew when it changes, however it changes.</summary>
public sealed class FreshnessTests
{
    [Fact]
    public async Task Data_that_the_model_names_is_watched_whatever_it_is_called_and_wherever_it_lies()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.Write("App/Models/net.onnx", "data: r2.c1.weight\ndata: weights/part 1.bin\ndata: later");
        sandbox.Write("App/Models/r2.c1.weight", "one");
        sandbox.Write("App/Models/weights/part 1.bin", "two");
        sandbox.Write("App/Models/other.bin", "of another model");
        sandbox.WriteProject("""<DiffusionModel Include="Models/net.onnx" Quantize="W4A8" />""");
        (await sandbox.BuildAsync()).Succeeds();
        (await sandbox.BuildAsync()).Succeeds();
        Assert.Single(sandbox.Starts);

        Action[] changes =
        [
            () => sandbox.Write("App/Models/r2.c1.weight", "three"),
            () => sandbox.Write("App/Models/weights/part 1.bin", "four"),
            // As long as before, and older.
            () => Overwrite("App/Models/r2.c1.weight", "eight", new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc)),
            () => sandbox.Write("App/Models/later", "comes"),
            () => File.Delete(PathOf("App/Models/later")),
            () => File.Move(PathOf("App/Models/weights/part 1.bin"), PathOf("App/Models/weights/part 2.bin")),
        ];
        await EachChangeQuantizesAsync(sandbox, changes);

        // What it does not name is no part of it.
        sandbox.Write("App/Models/other.bin", "changed");
        (await sandbox.BuildAsync()).Succeeds();
        Assert.Equal(1 + changes.Length, sandbox.Starts.Count);

        string PathOf(string path) => Path.Combine(sandbox.Folder, path);

        void Overwrite(string path, string text, DateTime time)
        {
            sandbox.Write(path, text);
            File.SetLastWriteTimeUtc(PathOf(path), time);
        }
    }

    [Fact]
    public async Task A_file_behind_a_link_is_watched_and_not_the_link()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.Write("store/weights", "one");
        File.CreateSymbolicLink(
            Path.Combine(sandbox.AppFolder, "Models/ddpm-fashion/unet/model.onnx.data"),
            Path.Combine(sandbox.Folder, "store/weights")
        );
        sandbox.WriteProject("""<DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" />""");
        (await sandbox.BuildAsync()).Succeeds();

        await EachChangeQuantizesAsync(sandbox, () => sandbox.Write("store/weights", "two"));
    }

    [Fact]
    public async Task A_folder_is_another_when_files_in_it_are_renamed()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.Write("App/states/text.npy", "one");
        sandbox.Write("App/states/text_uncond.npy", "two");
        sandbox.WriteProject(
            """<DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" Conditioning="states" />"""
        );
        (await sandbox.BuildAsync()).Succeeds();

        // Sizes and times stay what they are.
        var folder = Path.Combine(sandbox.AppFolder, "states");
        await EachChangeQuantizesAsync(
            sandbox,
            () =>
            {
                File.Move(Path.Combine(folder, "text.npy"), Path.Combine(folder, "x.npy"));
                File.Move(Path.Combine(folder, "text_uncond.npy"), Path.Combine(folder, "text.npy"));
                File.Move(Path.Combine(folder, "x.npy"), Path.Combine(folder, "text_uncond.npy"));
            }
        );
    }

    [Fact]
    public async Task What_only_the_evaluation_reads_is_evaluated_anew_and_not_quantized()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.Write("App/quality/net.onnx", "data: net.weight");
        sandbox.Write("App/quality/net.weight", "one");
        sandbox.WriteProject(
            """<DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" Extractor="quality/net.onnx" />"""
        );
        (await sandbox.BuildAsync()).Succeeds();
        (await sandbox.BuildAsync()).Succeeds();
        Assert.Single(sandbox.Verifications);

        sandbox.Write("App/quality/net.weight", "two");
        (await sandbox.BuildAsync()).Succeeds();

        Assert.Equal(2, sandbox.Verifications.Count);
        Assert.Single(sandbox.Starts);
    }

    [Fact]
    public async Task A_build_that_does_not_quantize_says_that_files_changed()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.Write("App/Models/net.onnx", "data: r2.c1.weight");
        sandbox.Write("App/Models/r2.c1.weight", "one");
        sandbox.WriteProject("""<DiffusionModel Include="Models/net.onnx" Quantize="W4A8" />""");
        (await sandbox.BuildAsync()).Succeeds();

        sandbox.Write("App/Models/r2.c1.weight", "two");
        var build = (await sandbox.BuildAsync("-p:DiffusionQuantizeStage=none", "-v:n")).Succeeds();

        Assert.Contains("attached as last quantized", build.Output);
        Assert.Single(sandbox.Starts);
    }

    [Fact]
    public async Task A_change_of_any_of_the_tools_libraries_is_a_change_of_the_tool()
    {
        var sandbox = await Sandbox.CreateAsync();
        var tool = Path.Combine(sandbox.Folder, "tool");
        Sandbox.CopyFolder(Path.GetDirectoryName(Repository.FakeTool)!, tool);
        sandbox.Write("tool/library.dll", "one");
        sandbox.Environment["DiffusionQuantToolPath"] = Path.Combine(tool, Path.GetFileName(Repository.FakeTool));
        sandbox.WriteProject("""<DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" />""");
        (await sandbox.BuildAsync()).Succeeds();

        sandbox.Write("tool/library.dll", "two");
        (await sandbox.BuildAsync()).Succeeds();

        Assert.Equal(2, sandbox.Starts.Count);
    }

    private static async Task EachChangeQuantizesAsync(Sandbox sandbox, params Action[] changes)
    {
        for (var i = 0; i < changes.Length; i++)
        {
            var before = sandbox.Starts.Count;
            changes[i]();
            (await sandbox.BuildAsync()).Succeeds();
            Assert.True(sandbox.Starts.Count == before + 1, $"change {i}");
            (await sandbox.BuildAsync()).Succeeds();
            Assert.True(sandbox.Starts.Count == before + 1, $"after change {i}");
        }
    }
}
