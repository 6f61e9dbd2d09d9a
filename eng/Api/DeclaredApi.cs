using System.Text.Json;

/// <summary>
/// What libraries declare as public, in the analyzer's own words: they are compiled in a scratch folder against an empty
/// baseline, so that it names every public symbol as one that the baseline lacks.
/// </summary>
internal sealed class DeclaredApi
{
    private readonly string scratch;

    public DeclaredApi(string scratch)
    {
        this.scratch = scratch;
        if (Directory.Exists(scratch))
        {
            Directory.Delete(scratch, recursive: true);
        }
        Directory.CreateDirectory(scratch);
        // Without the files the names would come without annotations of nullability.
        new Baseline(scratch).WriteRelease([]);
    }

    public string[] Of(string library)
    {
        string[] options =
        [
            "--configuration",
            "Release",
            "--artifacts-path",
            scratch,
            $"-p:CustomAfterMicrosoftCommonTargets={Repository.PathOf("eng", "Api", "Declared.targets")}",
            "-p:TreatWarningsAsErrors=false",
            // Only one analyzer is wanted.
            "-p:EnableNETAnalyzers=false",
            "-clp:ErrorsOnly;NoSummary",
            "--nologo",
        ];
        Shell.Run(Repository.Root, "dotnet", ["build", library, .. options]);

        string log = Path.Combine(scratch, $"{Path.GetFileName(library)}.sarif");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(log));
        return
        [
            .. document
                .RootElement.GetProperty("runs")[0]
                .GetProperty("results")
                .EnumerateArray()
                .Where(result => result.GetProperty("ruleId").ValueEquals("RS0016"))
                .Select(result => result.GetProperty("properties").GetProperty("customProperties"))
                .Select(properties => properties.GetProperty("APIName").GetString()!)
                // Once for each part of a partial class.
                .Distinct(),
        ];
    }
}
