using System.Xml.Linq;

/// <summary>The outcomes of a test run, read from the .trx files that it left.</summary>
internal sealed record TestResults(int Passed, int Skipped, IReadOnlyList<string> FailedNames)
{
    public int Total => Passed + Skipped + FailedNames.Count;

    public string Summary =>
        $"{Passed} passed, {FailedNames.Count} failed" + (Skipped > 0 ? $", {Skipped} skipped" : "");

    public static TestResults Read(string folder)
    {
        string[] files = Directory.Exists(folder)
            ? Directory.GetFiles(folder, "*.trx", SearchOption.AllDirectories)
            : [];
        // The counters of a .trx file leave skipped tests out, so the single results are counted.
        ILookup<string, string> namesByOutcome = files
            .SelectMany(file => XDocument.Load(file).Descendants())
            .Where(element => element.Name.LocalName == "UnitTestResult")
            .ToLookup(result => (string)result.Attribute("outcome")!, result => (string)result.Attribute("testName")!);

        string[] failed =
        [
            .. namesByOutcome.Where(group => group.Key is not ("Passed" or "NotExecuted")).SelectMany(group => group),
        ];
        return new TestResults(namesByOutcome["Passed"].Count(), namesByOutcome["NotExecuted"].Count(), failed);
    }
}
