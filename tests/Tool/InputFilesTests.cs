using System.Text;
using DiffusionQuant.Build.Files;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Onnx.Serialization;

namespace DiffusionQuant.Tool.Tests;

/// <summary>What a command says that it was made from, so that a build knows when to run it again.</summary>
public sealed class InputFilesTests : IDisposable
{
    private const int Size = 16;
    private static readonly SaveOptions Outside = new() { SingleFileLimit = 0 };
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task All_that_quantizing_and_verifying_read_is_listed_wherever_it_lies()
    {
        // A single file, with data as torch names it and in a folder below, in a layout that has a decoder.
        DdpmUNet
            .Build(DdpmUNetSettings.Tiny with { ImageChannels = 4 })
            .Save(Made("net", "unet", "model.onnx"), Outside with { ExternalDataName = "w_r2.c1.weight" });
        MoveBelow(folder.At("net", "unet", "model.onnx"), "w_r2.c1.weight");
        folder.Write("net/unet/config.json", "{}");
        folder.Write("net/scheduler/scheduler_config.json", """{ "num_train_timesteps": 100 }""");
        Decoder().Save(Made("net", "vae_decoder", "model.onnx"), Outside with { ExternalDataName = "decoder.bias" });
        folder.Write("net/vae/config.json", """{ "scaling_factor": 0.5 }""");
        Extractor().Save(Made("extractor", "net.onnx"), Outside with { ExternalDataName = "extractor.weight" });
        WriteImages(folder.At("extractor", "images.npy"));
        folder.Write("recipe.json", """{ "quantize": "W8A8" }""");
        var files = Directory.GetFiles(folder.Path, "*", SearchOption.AllDirectories);
        string[] rest = ["--threads", "1", "--cache-directory", folder.At("cache")];

        var quantize = await ToolRun.OfAsync([
            "quantize",
            folder.At("net", "unet", "model.onnx"),
            "-o",
            folder.At("quantized"),
            "--recipe",
            folder.At("recipe.json"),
            "--steps",
            "2",
            "--calibration-samples",
            "2",
            "--inputs-file",
            folder.At("model.files"),
            .. rest,
        ]);
        Assert.True(quantize.ExitCode == 0, quantize.Error);
        var verify = await ToolRun.OfAsync([
            "verify",
            folder.At("quantized"),
            "--float",
            folder.At("net", "unet", "model.onnx"),
            "-o",
            folder.At("evaluation"),
            "--images",
            "16",
            "--paired-images",
            "2",
            "--extractor",
            folder.At("extractor", "net.onnx"),
            "--reference",
            folder.At("extractor", "images.npy"),
            "--inputs-file",
            folder.At("verify.files"),
            .. rest,
        ]);
        Assert.True(verify.ExitCode == 0, verify.Error);

        var model = InputList.Read(folder.At("model.files")).Select(input => input.Path).ToArray();
        var evaluation = InputList.Read(folder.At("verify.files")).Select(input => input.Path).ToArray();
        Assert.Empty(files.Except(model).Except(evaluation));
        // The evaluation runs the float model too, and what is evaluated alone makes no other model.
        Assert.Equal([folder.At("recipe.json")], model.Intersect(files).Except(evaluation));
        Assert.DoesNotContain(folder.At("net", "vae_decoder", "model.onnx"), model);
        // What would count if it were there.
        string[] places =
        [
            folder.At("net", "unet", "scheduler_config.json"),
            folder.At("net", "vae_decoder", "config.json"),
            folder.At("extractor", "extractor.json"),
            folder.At("net", "unet", "model.metrics.verified.json"),
        ];
        Assert.Empty(places.Except(evaluation));

        Assert.Null(InputList.FindChanged(folder.At("verify.files")));
        File.AppendAllText(folder.At("net", "vae_decoder", "decoder.bias"), " ");
        Assert.Equal(folder.At("net", "vae_decoder", "decoder.bias"), InputList.FindChanged(folder.At("verify.files")));
    }

    [Fact]
    public void A_file_that_was_written_while_the_command_ran_counts_as_changed()
    {
        var before = folder.Write("before", "one");
        // Times of files may lag a few milliseconds behind the clock.
        Thread.Sleep(50);
        var inputs = new InputFiles();
        Thread.Sleep(50);
        var meanwhile = folder.Write("meanwhile", "one");
        inputs.Add([before, meanwhile]);
        inputs.Write(folder.At("files"));

        Assert.Equal(meanwhile, InputList.FindChanged(folder.At("files")));
    }

    [Fact]
    public async Task A_model_that_is_replaced_while_it_is_quantized_leaves_nothing_in_the_cache()
    {
        TinyModel.Write(folder);
        var weights = folder.At("model", "unet", "model.onnx");
        var former = File.ReadAllBytes(weights);
        var quantizer = new FakeQuantizer { Work = (_, _) => TinyModel.Write(folder, seed: 2) };
        string[] command =
        [
            "quantize",
            folder.At("model"),
            "-o",
            folder.At("out"),
            "--quantize",
            "W8A8",
            "--cache-directory",
            folder.At("cache"),
            "--prefix-output",
        ];

        var replaced = await ToolRun.OfAsync(command, quantizer);
        Assert.Equal(1, replaced.ExitCode);
        Assert.Contains("error: DQ1138: ", replaced.Output);

        File.WriteAllBytes(weights, former);
        quantizer.Work = (_, _) => { };
        Assert.Equal(0, (await ToolRun.OfAsync(command, quantizer)).ExitCode);
        Assert.Equal(2, quantizer.Calls);
    }

    /// <summary>Puts a model's data into a folder, whose name takes as many bytes as before: <c>w_NAME</c> becomes <c>w/NAME</c>.</summary>
    private static void MoveBelow(string model, string data)
    {
        var below = data.Replace('_', '/');
        var folder = Path.GetDirectoryName(model)!;
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder, below))!);
        File.Move(Path.Combine(folder, data), Path.Combine(folder, below));
        var bytes = Encoding.Latin1.GetString(File.ReadAllBytes(model)).Replace(data, below);
        File.WriteAllBytes(model, Encoding.Latin1.GetBytes(bytes));
    }

    private string Made(params string[] names)
    {
        var path = folder.At(names);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return path;
    }

    /// <summary>Three of four channels, each pixel doubled in both directions.</summary>
    private static OnnxModel Decoder()
    {
        var graph = new OnnxGraph { Name = "decoder" };
        graph.Inputs.Add(new("latent_sample", ElementType.Float, ["batch", 4, 8, 8]));
        graph.Outputs.Add(new("sample", ElementType.Float, ["batch", 3, Size, Size]));
        graph.Add(OnnxTensor.Of("from", new long[] { 0 }, 1));
        graph.Add(OnnxTensor.Of("to", new long[] { 3 }, 1));
        graph.Add(OnnxTensor.Of("channel", new long[] { 1 }, 1));
        graph.Add(OnnxTensor.Of("scales", new float[] { 1, 1, 2, 2 }, 4));
        graph.Add(OnnxTensor.Of("bias", new float[3 * Size * Size], 1, 3, Size, Size));
        graph.Nodes.Add(new("Slice", ["latent_sample", "from", "to", "channel"], ["rgb"]));
        graph.Nodes.Add(new("Resize", ["rgb", "", "scales"], ["larger"]) { Attributes = { ["mode"] = "nearest" } });
        graph.Nodes.Add(new("Add", ["larger", "bias"], ["sample"]));
        return new(graph) { Opset = 17 };
    }

    private static OnnxModel Extractor()
    {
        var b = new GraphBuilder("extractor");
        var image = b.Input("image", ElementType.Float, "batch", 3, Size, Size);
        var weights = new SeededWeights(3).Kaiming([3 * Size * Size, 3]);
        var features = b.MatMul(b.Reshape(image, 0, -1), b.Parameter("fc.weight", weights));
        b.Output(features, "features", ElementType.Float, "batch", 3);
        return b.Build();
    }

    private static void WriteImages(string path)
    {
        const int Count = 20;
        var header = $"{{'descr': '|u1', 'fortran_order': False, 'shape': ({Count}, {Size}, {Size}, 3), }}";
        header = header.PadRight(128 - 11) + "\n";
        var pixels = new byte[Count * Size * Size * 3];
        new Random(5).NextBytes(pixels);
        File.WriteAllBytes(
            path,
            [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.ASCII.GetBytes(header), .. pixels]
        );
    }
}
