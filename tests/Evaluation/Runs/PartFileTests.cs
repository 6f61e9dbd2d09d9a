using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Onnx.Diagnostics;
using FsCheck;
using FsCheck.Fluent;

namespace DiffusionQuant.Evaluation.Tests.Runs;

public sealed class PartFileTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("diffusionquant-tests-");

    private string File => Path.Combine(folder.FullName, "part.dqpart");

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 3)]
    // Without images.
    [InlineData(1, 16)]
    public void What_is_written_is_read(int index, int count)
    {
        var part = MadeUpParts.Make(new(index, count));
        part.Save(File);
        var read = EvaluationPart.Load(File);
        Assert.Equal(part.Header.ToJson(), read.Header.ToJson());
        Assert.Equal(part.Shape!.Center, read.Shape!.Center);
        Assert.Equal(part.Shape.SpatialCenter, read.Shape.SpatialCenter);
        if (part.FirstImage < part.EndImage)
        {
            // Not even the last bit of a sum may change.
            Agreement.AssertSame(part, read, 0);
        }

        read.Save(File + "2");
        Assert.Equal(System.IO.File.ReadAllBytes(File), System.IO.File.ReadAllBytes(File + "2"));
    }

    [Fact]
    public void Whole_timesteps_are_written_without_decimals_and_others_in_full()
    {
        var header = MadeUpParts.Header with { Timesteps = [901, 815.0175, -0.25 * Math.Log(3)] };
        var json = header.ToJson();
        Assert.Contains("\"timesteps\":[901,815.0175,-0.27465307216702745]", json);
        Assert.Equal(header.Timesteps, PartHeader.Parse(json).Timesteps);
    }

    [Fact]
    public void A_part_without_distributions_is_read_too()
    {
        var part = MadeUpParts.Make(Shard.Whole) with { Shape = null, Model = null, Float = null };
        part.Save(File);
        Agreement.AssertSame(part, EvaluationPart.Load(File), 0);
    }

    [Fact]
    public void A_wrong_bit_anywhere_is_found()
    {
        MadeUpParts.Make(Shard.Whole).Save(File);
        var bytes = System.IO.File.ReadAllBytes(File);
        Check.QuickThrowOnFailure(
            Prop.ForAll(
                Gen.Choose(0, (bytes.Length * 8) - 1).ToArbitrary(),
                bit =>
                {
                    var damaged = bytes.ToArray();
                    damaged[bit / 8] ^= (byte)(1 << (bit % 8));
                    AssertRefused(damaged);
                }
            )
        );
    }

    [Fact]
    public void A_file_that_is_cut_off_or_goes_on_is_found()
    {
        MadeUpParts.Make(Shard.Whole).Save(File);
        var bytes = System.IO.File.ReadAllBytes(File);
        Check.QuickThrowOnFailure(
            Prop.ForAll(Gen.Choose(0, bytes.Length - 1).ToArbitrary(), length => AssertRefused(bytes[..length]))
        );
        AssertRefused([.. bytes, 0]);
        AssertRefused([.. bytes, .. bytes]);
    }

    [Fact]
    public void A_part_that_is_missing_or_something_else_is_refused()
    {
        AssertRefused("name,value\nfid,3.2\n"u8.ToArray());
        System.IO.File.Delete(File);
        Assert.Equal("DQ3005", Assert.Throws<DiffusionQuantException>(() => EvaluationPart.Load(File)).Code);
    }

    [Fact]
    public void A_part_made_again_takes_the_place_of_the_first()
    {
        MadeUpParts.Make(new(1, 2)).Save(File);
        var before = System.IO.File.ReadAllBytes(File);
        // Whoever has the file open still reads the old one, as a whole.
        using var open = new FileStream(File, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var again = MadeUpParts.Make(new(1, 2), MadeUpParts.Header with { Device = "cuda:0" });
        again.Save(File);
        Assert.Equal("cuda:0", EvaluationPart.Load(File).Header.Device);
        var held = new byte[before.Length];
        open.ReadExactly(held);
        Assert.Equal(before, held);
        Assert.Single(folder.GetFiles());
    }

    [Fact]
    public void What_cannot_be_finished_leaves_the_file_as_it_was()
    {
        MadeUpParts.Make(Shard.Whole).Save(File);
        var before = System.IO.File.ReadAllBytes(File);
        Assert.Throws<IOException>(() =>
            SealedFile.Write(
                File,
                "KIND"u8,
                writer =>
                {
                    writer.Write(new byte[1 << 17]);
                    throw new IOException("The disk is full.");
                }
            )
        );
        Assert.Equal(before, System.IO.File.ReadAllBytes(File));
        Assert.Single(folder.GetFiles());
    }

    [Fact]
    public void A_place_that_cannot_be_written_is_named()
    {
        Directory.CreateDirectory(File);
        var e = Assert.Throws<DiffusionQuantException>(() => MadeUpParts.Make(Shard.Whole).Save(File));
        Assert.Equal("DQ3014", e.Code);
        Assert.Contains(File, e.Message);
        Assert.Empty(folder.GetFiles());
    }

    [Fact]
    public void A_folder_s_parts_are_found_by_their_ending()
    {
        Assert.Equal(
            "DQ3009",
            Assert.Throws<DiffusionQuantException>(() => EvaluationPart.FindIn(folder.FullName)).Code
        );
        foreach (var name in new[] { "b.dqpart", "a.dqpart", "c.dqpart.x1y2.tmp", "metrics.json" })
        {
            System.IO.File.WriteAllText(Path.Combine(folder.FullName, name), "");
        }

        Assert.Equal(["a.dqpart", "b.dqpart"], EvaluationPart.FindIn(folder.FullName).Select(Path.GetFileName));
    }

    public void Dispose() => folder.Delete(recursive: true);

    private void AssertRefused(byte[] content)
    {
        System.IO.File.WriteAllBytes(File, content);
        var e = Assert.Throws<DiffusionQuantException>(() => EvaluationPart.Load(File));
        Assert.Equal("DQ3005", e.Code);
        Assert.Contains(File, e.Message);
    }
}
