using System.IO.Compression;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Tests.Features;

public sealed class ReferenceStatisticsTests : IDisposable
{
    private readonly TestFiles files = new();
    private readonly FeatureExtractor tiny;

    public ReferenceStatisticsTests() =>
        tiny = FeatureExtractor.Load(TinyExtractor.Write(files, TinyExtractor.Settings));

    [Fact]
    public void Statistics_are_those_of_the_features()
    {
        var source = ImageSources.Open(Images(50));
        var reference = ReferenceStatistics.Make("set", source, tiny, new() { BatchSize = 7, ReservoirSize = 20 });
        var rows = tiny.Extract([.. source.Read()]).Features;
        for (var i = 0; i < 3; i++)
        {
            var mean = Column(rows, i).Average();
            Assert.Equal(mean, reference.Features.Mean()[i], 1e-9);
            for (var j = 0; j < 3; j++)
            {
                var other = Column(rows, j).Average();
                var covariance = Column(rows, i).Zip(Column(rows, j), (a, b) => (a - mean) * (b - other)).Sum() / 49;
                Assert.Equal(covariance, reference.Features.Covariance()[(i * 3) + j], 1e-6);
            }
        }

        Assert.Equal((50, 50, 32), (reference.Images, reference.Features.Count, reference.Spatial!.Dimensions));
        Assert.Equal(20 * 3, reference.Reservoir.Length);
        var all = rows.Chunk(3).Select(r => string.Join(' ', r)).ToHashSet();
        Assert.All(reference.Reservoir.Chunk(3), r => Assert.Contains(string.Join(' ', r), all));

        static IEnumerable<double> Column(float[] rows, int column) =>
            rows.Where((_, i) => i % 3 == column).Select(v => (double)v);
    }

    [Fact]
    public void A_reference_survives_its_file()
    {
        var made = ReferenceStatistics.Make("a set", ImageSources.Open(Images(9)), tiny);
        made.Save(files.At("a.dqref"));
        var read = ReferenceStatistics.Load(files.At("a.dqref"), tiny);
        Assert.Equal(made.Identity, read.Identity);
        Assert.Equal(made.Extractor, read.Extractor);
        Assert.Equal(made.Features.Covariance(), read.Features.Covariance());
        Assert.Equal(made.Spatial!.Mean(), read.Spatial!.Mean());
        Assert.Equal(made.Reservoir, read.Reservoir);
        Assert.Equal(("a set", 9L), (read.Identity.Name, read.Identity.Images));
        Assert.Equal([files.At("a.dqref")], Directory.GetFiles(files.Path, "a.dqref*"));
    }

    [Fact]
    public void Every_number_counts_for_the_identity()
    {
        var one = ReferenceStatistics.Make("s", ImageSources.Open(Images(9)), tiny).Identity.Sha256;
        Assert.Equal(one, ReferenceStatistics.Make("t", ImageSources.Open(Images(9)), tiny).Identity.Sha256);
        Assert.NotEqual(one, ReferenceStatistics.Make("s", ImageSources.Open(Images(8)), tiny).Identity.Sha256);
        var smaller = new ReferenceOptions { ReservoirSize = 4 };
        Assert.NotEqual(
            one,
            ReferenceStatistics.Make("s", ImageSources.Open(Images(9)), tiny, smaller).Identity.Sha256
        );
    }

    [Fact]
    public void Damaged_files_are_refused_wherever_they_are_damaged()
    {
        var path = files.At("a.dqref");
        ReferenceStatistics.Make("s", ImageSources.Open(Images(3)), tiny).Save(path);
        var file = File.ReadAllBytes(path);
        for (var at = 0; at < file.Length; at += 13)
        {
            var damaged = file.ToArray();
            damaged[at] ^= 1;
            files.Write("b.dqref", damaged);
            TestFiles.Expect("DQ3030", () => ReferenceStatistics.Read(files.At("b.dqref")));
            files.Write("b.dqref", file[..at]);
            TestFiles.Expect("DQ3030", () => ReferenceStatistics.Read(files.At("b.dqref")));
        }

        TestFiles.Expect("DQ3030", () => ReferenceStatistics.Read(files.At("none.dqref")));
    }

    [Fact]
    public void Another_extractors_reference_is_refused()
    {
        ReferenceStatistics.Make("s", ImageSources.Open(Images(3)), tiny).Save(files.At("a.dqref"));
        using var other = FeatureExtractor.Load(
            TinyExtractor.Write(files, TinyExtractor.Settings with { High = 1 }, name: "other")
        );
        TestFiles.Expect("DQ3031", () => ReferenceStatistics.Load(files.At("a.dqref"), other));
        TestFiles.Expect("DQ3031", () => ReferenceStatistics.Load("fashion-mnist", other));
    }

    [Fact]
    public void Image_data_become_a_reference_on_the_spot()
    {
        var path = Images(6);
        var seen = new List<ReferenceProgress>();
        var reference = ReferenceStatistics.Load(path, tiny, new Listener(seen));
        Assert.Equal(("images", 6L), (reference.Name, reference.Images));
        Assert.Equal([new(6, 6)], seen);
        TestFiles.Expect("DQ3029", () => ReferenceStatistics.Load(Images(1), tiny));
        TestFiles.Expect("DQ3026", () => ReferenceStatistics.Load("no-such-set", tiny));
    }

    [Fact]
    public void Files_of_mean_and_covariance()
    {
        var path = files.At("moments.npz");
        using (var archive = ZipFile.Open(path, ZipArchiveMode.Create))
        {
            Add("mu", TestFiles.Npy([2], [1, 2]));
            Add("sigma", TestFiles.Npy([2, 2], [4, 1, 1, 3]));

            void Add(string name, byte[] npy)
            {
                using var stream = archive.CreateEntry(name + ".npy").Open();
                stream.Write(npy);
            }
        }

        var moments = MomentsFile.Read(path, "mu", "sigma", 2);
        Assert.Equal([1, 2], moments.Mean());
        Assert.Equal([4, 1, 1, 3], moments.Covariance());
        TestFiles.Expect("DQ3030", () => MomentsFile.Read(path, "mu", "sigma", 3));
        // They are by convention of the standard network, and this is not it.
        TestFiles.Expect("DQ3031", () => ReferenceStatistics.Load(path, tiny));
    }

    [Fact]
    public void Fashion_mnist_is_built_in()
    {
        using var extractor = FeatureExtractor.Load(FeatureExtractor.DefaultName);
        var reference = ReferenceStatistics.Load("fashion-mnist", extractor);
        Assert.Equal(("fashion-mnist", 70_000L, 64), (reference.Name, reference.Images, reference.Features.Dimensions));
        Assert.Equal(4096 * 64, reference.Reservoir.Length);
        // The sample's mean is the set's, to its standard error.
        var (mean, covariance) = (reference.Features.Mean(), reference.Features.Covariance());
        for (var i = 0; i < 64; i++)
        {
            var ofSample = reference.Reservoir.Where((_, at) => at % 64 == i).Average(v => (double)v);
            var error = Math.Sqrt(covariance[(i * 64) + i] / 4096);
            Assert.InRange(ofSample, mean[i] - (5 * error), mean[i] + (5 * error));
        }
    }

    public void Dispose()
    {
        tiny.Dispose();
        files.Dispose();
    }

    private string Images(int count) =>
        files.Write(
            "images.npy",
            TestFiles.Npy(
                ElementType.UInt8,
                [count, 4, 4, 3],
                [.. Enumerable.Range(0, count).SelectMany(i => TestFiles.Image(4, 4 + i, 3).Pixels.Take(48))]
            )
        );

    private sealed class Listener(List<ReferenceProgress> seen) : IProgress<ReferenceProgress>
    {
        public void Report(ReferenceProgress value) => seen.Add(value);
    }
}
