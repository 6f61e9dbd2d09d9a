using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Snapshots;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Evaluation.Tests.Snapshots;

public sealed class SnapshotFilesTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("diffusionquant-tests-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_received_file_comes_with_a_change_and_goes_when_verification_passes()
    {
        var verified = At("a.metrics.verified.json");
        var worse = Reports.Usual.With(MetricCatalog.Psnr, 20);

        var received = Settle(null, Reports.Usual);
        Assert.Equal(At("a.metrics.received.json"), received);
        SnapshotFiles.Accept(received!);
        Assert.False(File.Exists(received));
        var snapshot = MetricsSnapshot.Load(verified);

        Assert.Null(Settle(snapshot, Reports.Usual));
        Assert.Equal(received, Settle(snapshot, worse));
        Assert.Equal(snapshot.With(worse).ToJson(), File.ReadAllText(received!));
        Assert.Null(Settle(snapshot, Reports.Usual));
        Assert.False(File.Exists(received));
        // What was accepted makes the next verification pass.
        Settle(snapshot, worse);
        SnapshotFiles.Accept(received!);
        Assert.Null(Settle(MetricsSnapshot.Load(verified), worse));

        string? Settle(MetricsSnapshot? before, EvaluationReport report) =>
            SnapshotFiles.Settle(verified, before, report, QualityGate.Check(report, before, new(), new(verified)));
    }

    [Fact]
    public void A_broken_received_file_is_not_accepted()
    {
        File.WriteAllText(At("a.metrics.verified.json"), "kept");
        File.WriteAllText(At("a.metrics.received.json"), "{");
        var error = Assert.Throws<DiffusionQuantException>(() => SnapshotFiles.Accept(At("a.metrics.received.json")));
        Assert.Equal("DQ2010", error.Code);
        Assert.Equal("kept", File.ReadAllText(At("a.metrics.verified.json")));
    }

    [Fact]
    public void Received_files_are_found_outside_what_builds_made()
    {
        string[] wanted = [At("b.metrics.received.json"), At(Path.Combine("x", ".y", "a.metrics.received.json"))];
        string[] others =
        [
            At("c.metrics.verified.json"),
            At(Path.Combine("obj", "d.metrics.received.json")),
            At(Path.Combine("x", "node_modules", "z", "d.metrics.received.json")),
        ];
        foreach (var file in wanted.Concat(others))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, "");
        }

        Assert.Equal(wanted, SnapshotFiles.FindReceived(folder));
    }

    [Fact]
    public void Other_names_are_refused() =>
        Assert.Equal(
            "DQ2013",
            Assert.Throws<DiffusionQuantException>(() => SnapshotFiles.ReceivedPath("metrics.json")).Code
        );

    [Fact]
    public void A_file_that_is_no_evaluation_is_refused()
    {
        File.WriteAllText(At("unknown.json"), Reports.Usual.ToJson().Replace("\"psnr\"", "\"pnsr\""));
        File.WriteAllText(At("none.json"), "{}");
        foreach (var name in new[] { "unknown.json", "none.json", "missing.json" })
        {
            var error = Assert.Throws<DiffusionQuantException>(() => SnapshotFiles.LoadEvaluation(At(name)));
            Assert.Equal("DQ2014", error.Code);
        }
    }

    [Fact]
    public void A_place_that_cannot_be_written_has_a_code()
    {
        File.WriteAllText(At("file"), "");
        var error = Assert.Throws<DiffusionQuantException>(() =>
            SnapshotFiles.Write(At(Path.Combine("file", "a.metrics.received.json")), MetricsSnapshot.Of(Reports.Usual))
        );
        Assert.Equal("DQ2012", error.Code);
    }

    private string At(string name) => Path.Combine(folder, name);
}
