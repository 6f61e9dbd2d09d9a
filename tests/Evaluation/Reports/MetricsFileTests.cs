using System.Text.Json.Nodes;
using DiffusionQuant.Evaluation.Reports;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Tests.Shared;

namespace DiffusionQuant.Evaluation.Tests.Reports;

public sealed class MetricsFileTests : IDisposable
{
    private static readonly string Fixture = Path.Combine(Snapshot.Root, "tests", "Report", "Fixture");
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("diffusionquant-metrics-");

    [Fact]
    public void A_file_is_found_by_its_name_and_by_its_folder()
    {
        var byFolder = MetricsFile.Load(Fixture);
        var byName = MetricsFile.Load(Path.Combine(Fixture, EvaluationReport.FileName));
        Assert.Equal(byName.Report.ToJson(), byFolder.Report.ToJson());
        Assert.Equal(Fixture, byName.Folder);
    }

    [Fact]
    public void A_missing_file_is_an_error()
    {
        Assert.Equal("DQ3070", CodeOf(folder.FullName));
        Assert.Equal("DQ3070", CodeOf(Path.Combine(folder.FullName, "none", "metrics.json")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{ \"metrics\": ")]
    public void What_is_no_such_file_is_an_error(string text)
    {
        Assert.Equal("DQ3071", CodeOf(Write(text)));
    }

    [Theory]
    [InlineData("model", null)]
    [InlineData("model", "{}")]
    [InlineData("sampling", null)]
    [InlineData("metrics", null)]
    [InlineData("metrics", "[null]")]
    [InlineData("metrics", "[{\"value\": 1}]")]
    [InlineData("layers", "[{\"name\": \"x\"}]")]
    [InlineData("timesteps", "[null]")]
    [InlineData("samples", "[{\"image\": 1}]")]
    [InlineData("notes", "[null]")]
    [InlineData("size", "{}")]
    [InlineData("toolVersion", null)]
    [InlineData("format", "2")]
    public void A_hole_in_it_is_an_error(string property, string? value)
    {
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(Fixture, EvaluationReport.FileName)))!;
        json[property] = value is null ? null : JsonNode.Parse(value);
        var error = Assert.Throws<DiffusionQuantException>(() => MetricsFile.Load(Write(json.ToJsonString())));
        Assert.Equal("DQ3071", error.Code);
        Assert.Contains(property, error.Message);
    }

    private static string CodeOf(string path) =>
        Assert.Throws<DiffusionQuantException>(() => MetricsFile.Load(path)).Code;

    private string Write(string text)
    {
        var path = Path.Combine(folder.FullName, EvaluationReport.FileName);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose() => folder.Delete(recursive: true);
}
