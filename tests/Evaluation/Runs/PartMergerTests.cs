using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Onnx.Diagnostics;
using FsCheck;
using FsCheck.Fluent;

namespace DiffusionQuant.Evaluation.Tests.Runs;

public sealed class PartMergerTests
{
    [Fact]
    public void Any_division_in_any_order_gives_the_whole()
    {
        var whole = MadeUpParts.Make(Shard.Whole);
        Check.QuickThrowOnFailure(
            Prop.ForAll(
                Gen.Choose(1, 25).SelectMany(n => Gen.Shuffle(Enumerable.Range(1, n).ToArray())).ToArbitrary(),
                order =>
                {
                    var parts = order.Select(i => ($"{i}", MadeUpParts.Make(new(i, order.Length)))).ToArray();
                    var merged = PartMerger.Merge(parts);
                    Agreement.AssertSame(whole, merged, 1e-9);
                    Assert.Equal(whole.Header.ToJson(), merged.Header.ToJson());
                }
            )
        );
    }

    [Fact]
    public void Missing_parts_are_named()
    {
        var parts = Parts(5, 1, 3, 4);
        var e = Fails("DQ3007", parts);
        // Of 10 batches of 4.
        Assert.Contains("images 8 to 15, images 32 to 39 (of 5: 2, 5)", e.Message);
    }

    [Fact]
    public void A_missing_first_part_is_noticed() =>
        Assert.Contains("images 0 to 19", Fails("DQ3007", Parts(2, 2)).Message);

    [Fact]
    public void Missing_parts_without_images_do_not_matter()
    {
        var all = Enumerable.Range(1, 16).ToArray();
        var withImages = Parts(16, all).Where(p => p.Part.FirstImage < p.Part.EndImage).ToArray();
        Assert.Equal(10, withImages.Length);
        Agreement.AssertSame(MadeUpParts.Make(Shard.Whole), PartMerger.Merge(withImages), 1e-9);
    }

    [Fact]
    public void A_part_that_is_given_twice_is_refused()
    {
        var parts = Parts(4, 1, 2, 3, 4).Append(("again", MadeUpParts.Make(new(2, 4)))).ToArray();
        var e = Fails("DQ3008", parts);
        Assert.Contains("2/4", e.Message);
        Assert.Contains("again", e.Message);
        Assert.Contains("image 8,", e.Message);
    }

    [Fact]
    public void Parts_of_two_divisions_that_overlap_are_refused() =>
        Fails("DQ3008", [.. Parts(2, 1), .. Parts(3, 2, 3)]);

    public static TheoryData<string> Settings =>
        [
            "model",
            "float model",
            "seed",
            "extractor",
            "reference",
            "paired images",
            "distribution images",
            "batch size",
            "ONNX Runtime",
            "version of the algorithms",
        ];

    [Theory]
    [MemberData(nameof(Settings))]
    public void Parts_of_two_runs_are_refused(string setting)
    {
        var header = MadeUpParts.Header;
        var other = setting switch
        {
            "model" => header with { Model = header.Model with { Sha256 = MadeUpParts.Hash('9') } },
            "float model" => header with { Float = header.Float! with { Sha256 = MadeUpParts.Hash('9') } },
            "seed" => header with { Sampling = header.Sampling with { Seed = 2 } },
            "extractor" => header with { Extractor = header.Extractor! with { Sha256 = MadeUpParts.Hash('9') } },
            "reference" => header with { Reference = new("data", MadeUpParts.Hash('9'), 10) },
            "paired images" => header with { PairedImages = 5 },
            "distribution images" => header with { DistributionImages = 39 },
            "batch size" => header with { BatchSize = 2 },
            "ONNX Runtime" => header with { RuntimeVersion = "1.28.0" },
            "version of the algorithms" => header with { AlgorithmVersion = 2 },
            _ => throw new ArgumentException("There is no such setting.", nameof(setting)),
        };
        var e = Fails("DQ3006", [.. Parts(2, 1), ("theirs", MadeUpParts.Make(new(2, 2), other))]);
        Assert.Contains($"({setting}: ", e.Message);
        Assert.Contains("theirs", e.Message);
        Assert.NotEqual(header.RunKey, other.RunKey);
    }

    [Fact]
    public void What_does_not_change_a_number_may_differ()
    {
        var gpu = MadeUpParts.Header with
        {
            Device = "cuda:0",
            Command = "another",
            ToolVersion = "1.0.1",
            Speed = new(20, 10, 4, 9, 1),
        };
        var merged = PartMerger.Merge([("2", MadeUpParts.Make(new(2, 2), gpu)), .. Parts(2, 1)]);
        Assert.Equal("cpu, cuda:0", merged.Header.Device);
        Assert.Equal(MadeUpParts.Header.Command, merged.Header.Command);
        Assert.Equal(gpu.Speed, merged.Header.Speed);
        Assert.Equal((1, 1), (merged.Header.ShardIndex, merged.Header.ShardCount));
    }

    [Fact]
    public void Another_reference_is_refused()
    {
        var header = MadeUpParts.Header with { Reference = new("data", MadeUpParts.Hash('9'), 10) };
        var folder = Directory.CreateTempSubdirectory("diffusionquant-tests-");
        var e = Assert.Throws<DiffusionQuantException>(() =>
            Evaluator.Assemble([("whole", MadeUpParts.Make(Shard.Whole, header))], null, folder.FullName)
        );
        Assert.Equal("DQ3013", e.Code);
        Assert.Empty(folder.GetFileSystemInfos());
        folder.Delete();
    }

    private static (string Name, EvaluationPart Part)[] Parts(int count, params int[] indices) =>
        [.. indices.Select(i => ($"{i}/{count}", MadeUpParts.Make(new(i, count))))];

    private static DiffusionQuantException Fails(string code, IReadOnlyList<(string, EvaluationPart)> parts)
    {
        var e = Assert.Throws<DiffusionQuantException>(() => PartMerger.Merge(parts));
        Assert.Equal(code, e.Code);
        var reversed = Assert.Throws<DiffusionQuantException>(() => PartMerger.Merge([.. parts.Reverse()]));
        Assert.Equal(code, reversed.Code);
        return e;
    }
}
