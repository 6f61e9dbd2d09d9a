using DiffusionQuant.Onnx.Protos;
using DiffusionQuant.Onnx.Serialization;
using Google.Protobuf;

namespace DiffusionQuant.Onnx.Tests.Serialization;

public sealed class ExternalDataTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("weights.pb")]
    [InlineData("model.onnx_data")]
    [InlineData("model.onnx.data")]
    [InlineData("sub/folder/weights.bin")]
    [InlineData("sub\\folder\\weights.bin")]
    [InlineData("./weights.bin")]
    [InlineData("sub/../weights.bin")]
    public void Is_found_under_any_name_inside_the_folder(string location)
    {
        Directory.CreateDirectory(folder.At("sub"));
        Write(Path.GetFullPath(folder.At(location.Replace('\\', '/'))), 1, 2, 3);
        var model = Load(ProtoModels.External("t", [2], location, "4", "8"));
        Assert.Equal([2, 3], model.Graph.Initializers["t"].ToFloats().ToArray());
    }

    [Fact]
    public void May_lie_in_several_files_in_one_each_and_in_attributes()
    {
        Write(folder.At("first.bin"), 1, 2);
        Write(folder.At("second.bin"), 3);
        Write(folder.At("onnx__MatMul_608"), 4);
        var constant = ProtoModels.Node("Constant", [], ["k"], "constant");
        constant.Attribute.Add(
            new AttributeProto
            {
                Name = "value",
                Type = AttributeProto.Types.AttributeType.Tensor,
                T = ProtoModels.External("", [1], "first.bin", "4"),
            }
        );
        var proto = ProtoModels.Model();
        proto.Graph.Initializer.Add(ProtoModels.External("a", [1], "first.bin", null, "4"));
        proto.Graph.Initializer.Add(ProtoModels.External("b", [], "second.bin"));
        proto.Graph.Initializer.Add(ProtoModels.External("onnx::MatMul_608", [1], "onnx__MatMul_608"));
        proto.Graph.Initializer.Add(ProtoModels.External("empty", [0], "second.bin", "4", "0"));
        proto.Graph.Node.Add(constant);
        var model = Load(proto);
        float First(string name) => model.Graph.Initializers[name].ToFloats().Span[0];
        Assert.Equal((1, 3, 4), (First("a"), First("b"), First("onnx::MatMul_608")));
        Assert.Equal(2, GraphEdits.ConstantValue(model.Graph.Nodes[1])!.ToFloats().Span[0]);

        // Written into one file, the model needs no other.
        var one = folder.At("elsewhere/one.onnx");
        model.Save(one);
        Assert.Equal(["one.onnx"], Directory.GetFiles(Path.GetDirectoryName(one)!).Select(Path.GetFileName));
        Assert.Equal(GraphText.Print(model.Graph), GraphText.Print(OnnxModel.Load(one).Graph));
    }

    [Theory]
    [InlineData("../secret.bin")]
    [InlineData("..\\secret.bin")]
    [InlineData("sub/../../secret.bin")]
    [InlineData("/etc/passwd")]
    [InlineData("\\etc\\passwd")]
    [InlineData("\\\\server\\share\\file")]
    [InlineData("C:\\secret.bin")]
    [InlineData("c:secret.bin")]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a\0b")]
    public void Outside_the_folder_is_refused(string location)
    {
        Write(Path.Combine(folder.Path, "secret.bin"), 1);
        Failure.Expect("DQ1005", () => Load(ProtoModels.External("t", [1], location), "inner/model.onnx"), "'t'");
    }

    [Fact]
    public void Links_may_not_lead_outside()
    {
        Write(folder.At("outside/secret.bin"), 1);
        Directory.CreateDirectory(folder.At("inner"));
        File.CreateSymbolicLink(folder.At("inner/link.bin"), "../outside/secret.bin");
        Directory.CreateSymbolicLink(folder.At("inner/linked"), folder.At("outside"));
        File.CreateSymbolicLink(folder.At("inner/round.bin"), "round.bin");
        Failure.Expect(
            "DQ1005",
            () => Load(ProtoModels.External("t", [1], "link.bin"), "inner/model.onnx"),
            "link.bin"
        );
        Failure.Expect("DQ1005", () => Load(ProtoModels.External("t", [1], "linked/secret.bin"), "inner/model.onnx"));
        Failure.Expect("DQ1013", () => Load(ProtoModels.External("t", [1], "round.bin"), "inner/model.onnx"));
    }

    [Fact]
    public void Links_of_model_caches_are_followed()
    {
        // A hub's cache: blobs under their hashes, and a snapshot folder of links to them.
        Write(folder.At("blobs/1234"), 5);
        var proto = ProtoModels.Model();
        proto.Graph.Initializer.Add(ProtoModels.External("t", [1], "model.onnx_data"));
        folder.Write("blobs/5678", proto.ToByteArray());
        Directory.CreateDirectory(folder.At("snapshots/main/unet/x"));
        File.CreateSymbolicLink(folder.At("snapshots/main/unet/model.onnx"), "../../../blobs/5678");
        File.CreateSymbolicLink(folder.At("snapshots/main/unet/model.onnx_data"), "../../../blobs/1234");
        var model = OnnxModel.Load(folder.At("snapshots/main/unet/model.onnx"));
        Assert.Equal(5, model.Graph.Initializers["t"].ToFloats().Span[0]);

        // And the whole folder may be reached through a link.
        Directory.CreateSymbolicLink(folder.At("short"), folder.At("snapshots/main"));
        Assert.Equal(5, OnnxModel.Load(folder.At("short/unet/model.onnx")).Graph.Initializers["t"].ToFloats().Span[0]);
    }

    [Fact]
    public void Missing_or_wrong_data_are_named()
    {
        Write(folder.At("w.bin"), 1, 2);
        Failure.Expect("DQ1006", () => Load(ProtoModels.External("t", [1], "gone.bin")), "'t'", "'gone.bin'");
        Directory.CreateDirectory(folder.At("a_folder"));
        Failure.Expect("DQ1006", () => Load(ProtoModels.External("t", [1], "a_folder")), "'t'");
        Failure.Expect("DQ1007", () => Load(ProtoModels.External("t", [3], "w.bin")), "'t'", "'w.bin'");
        Failure.Expect("DQ1007", () => Load(ProtoModels.External("t", [1], "w.bin", "8")), "'t'");
        Failure.Expect("DQ1007", () => Load(ProtoModels.External("t", [1], "w.bin", "9223372036854775807")), "'t'");
        Failure.Expect("DQ1007", () => Load(ProtoModels.External("t", [1], "w.bin", "-4")), "offset", "'-4'");
        Failure.Expect("DQ1007", () => Load(ProtoModels.External("t", [1], "w.bin", "four")), "'four'");
        Failure.Expect("DQ1007", () => Load(ProtoModels.External("t", [1], "w.bin", "0", "8")), "4 bytes", "says 8");
        folder.Write("pointer.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 34\n"u8);
        Failure.Expect("DQ1003", () => Load(ProtoModels.External("t", [1], "pointer.bin")), "pointer.bin");
        Write(folder.At("none.bin"));
        Failure.Expect("DQ1007", () => Load(ProtoModels.External("t", [1], "none.bin")), "'none.bin'");
    }

    [Fact]
    public void Models_in_memory_have_none()
    {
        var proto = ProtoModels.Model();
        proto.Graph.Initializer.Add(ProtoModels.External("t", [1], "w.bin"));
        Failure.Expect("DQ1011", () => proto.Parse(), "'t'", "memory");
    }

    [Fact]
    public void Is_written_beside_the_model()
    {
        var model = ProtoModels.Model().Parse();
        model.Graph.Add(OnnxTensor.Of("large", new float[1000].AsSpan(), 1000));
        model.Graph.Add(
            OnnxTensor.Of("page", Enumerable.Range(0, 300_000).Select(i => (float)i).ToArray().AsSpan(), 300_000)
        );
        model.Graph.Add(OnnxTensor.Of("small", [1f], 1));
        var path = folder.At("out/model.onnx");
        model.Save(path, new() { SingleFileLimit = 0, ExternalDataName = "weights.pb" });
        Assert.Equal(
            ["model.onnx", "weights.pb"],
            Directory.GetFiles(folder.At("out")).Select(Path.GetFileName).Order()
        );
        var written = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path)).Graph.Initializer.ToDictionary(t => t.Name);
        Assert.Empty(written["small"].ExternalData);
        Assert.Equal(["weights.pb", "4096", "1200000"], written["page"].ExternalData.Select(e => e.Value));
        var read = OnnxModel.Load(path);
        Assert.Equal(299_999, read.Graph.Initializers["page"].ToFloats().Span[^1]);

        // Over itself: the old data stay readable until the model that maps them is gone.
        read.Graph.Add(OnnxTensor.Of("more", new float[5000].AsSpan(), 5000));
        if (!OperatingSystem.IsWindows())
        {
            read.Save(path, new() { SingleFileLimit = 0, ExternalDataName = "weights.pb" });
            Assert.Equal(299_999, OnnxModel.Load(path).Graph.Initializers["page"].ToFloats().Span[^1]);
            Assert.Equal(299_999, read.Graph.Initializers["page"].ToFloats().Span[^1]);
        }
    }

    [Theory]
    [InlineData("../weights.pb")]
    [InlineData("sub/weights.pb")]
    [InlineData("sub\\weights.pb")]
    [InlineData("")]
    [InlineData("..")]
    public void Is_written_nowhere_else(string name) =>
        Assert.Throws<ArgumentException>(() =>
            ProtoModels
                .Model()
                .Parse()
                .Save(folder.At("model.onnx"), new() { SingleFileLimit = 0, ExternalDataName = name })
        );

    private static void Write(string path, params float[] values)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, [.. values.SelectMany(BitConverter.GetBytes)]);
    }

    private OnnxModel Load(TensorProto tensor, string path = "model.onnx")
    {
        var proto = ProtoModels.Model();
        proto.Graph.Initializer.Add(tensor);
        return Load(proto, path);
    }

    private OnnxModel Load(ModelProto proto, string path = "model.onnx") =>
        OnnxModel.Load(folder.Write(path, proto.ToByteArray()));
}
