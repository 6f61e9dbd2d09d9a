using DiffusionQuant.Onnx.Protos;
using Google.Protobuf;

namespace DiffusionQuant.Onnx.Tests.Serialization;

public class LargeModelTests
{
    private const long Part = 740_000_000;

    [Fact]
    public void More_than_two_gigabytes_are_mapped_not_held()
    {
        using var folder = new TemporaryFolder();
        var proto = ProtoModels.Model();
        for (var i = 0; i < 3; i++)
        {
            proto.Graph.Initializer.Add(
                ProtoModels.External($"t{i}", [Part / 4], "weights.bin", (i * Part).ToString(), Part.ToString())
            );
        }

        // A file of zeros that takes no room on the disk, but for one number at its end.
        using (var stream = new FileStream(folder.At("weights.bin"), FileMode.CreateNew))
        {
            stream.SetLength(3 * Part);
            stream.Position = (3 * Part) - 4;
            stream.Write(BitConverter.GetBytes(7f));
        }

        var path = folder.Write("model.onnx", proto.ToByteArray());
        var before = GC.GetAllocatedBytesForCurrentThread();
        var model = OnnxModel.Load(path);
        Assert.Equal(7, model.Graph.Initializers["t2"].ToFloats().Span[^1]);
        if (new DriveInfo(folder.Path).AvailableFreeSpace > 5 * Part)
        {
            model.Save(folder.At("copy/model.onnx"));
            var copy = OnnxModel.Load(folder.At("copy/model.onnx"));
            Assert.Equal(7, copy.Graph.Initializers["t2"].ToFloats().Span[^1]);
            Assert.InRange(new FileInfo(folder.At("copy/model.onnx.data")).Length, 3 * Part, (3 * Part) + 10_000);
        }

        Failure.Expect("DQ1012", () => model.ToBytes(), "2 GB");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000_000);
    }
}
