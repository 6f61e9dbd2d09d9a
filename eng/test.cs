#!/usr/bin/env dotnet
#:property PublishAot=false
#:include Common/Repository.cs
#:include Common/Shell.cs
#:include Common/TestResults.cs

// Builds everything and runs the tests, with all set-up that this needs; the last line says how many passed and failed.
//
//   dotnet run eng/test.cs [-- filter]
//
// A plain word as filter picks the tests whose full name contains it; anything else is a filter of `dotnet test`
// (https://learn.microsoft.com/dotnet/core/testing/selective-unit-tests).

string? filter = args.FirstOrDefault();
if (filter is not null && filter.IndexOfAny(['=', '~', '!', '&', '|']) < 0)
{
    filter = $"FullyQualifiedName~{filter}";
}

bool isReady =
    Step("dotnet", "tool", "restore", "--verbosity", "quiet")
    // The tests of the build integration run real builds against the packages.
    && Step("dotnet", "run", "eng/pack.cs")
    && Step("dotnet", "build", "DiffusionQuant.Build.sln", "-c", "Release", "-v", "quiet", "--nologo");
bool isFormatted = isReady && Step("dotnet", "csharpier", "check", ".");

string resultsFolder = Repository.PathOf("artifacts", "test-results");
if (Directory.Exists(resultsFolder))
{
    Directory.Delete(resultsFolder, recursive: true);
}
bool allSucceeded = isReady && isFormatted;
foreach (string project in isReady ? TestProjects() : [])
{
    allSucceeded &= Test(project);
}

TestResults results = TestResults.Read(resultsFolder);
foreach (string name in results.FailedNames)
{
    Console.WriteLine($"failed: {name}");
}
Console.WriteLine(results.Summary);
bool ranNothing = results.Total == 0 && filter is null;
return allSucceeded && results.FailedNames.Count == 0 && !ranNothing ? 0 : 1;

IEnumerable<string> TestProjects() =>
    Directory
        .GetDirectories(Repository.PathOf("tests"))
        .SelectMany(folder => Directory.GetFiles(folder, "*.Tests.csproj"))
        .Order(StringComparer.Ordinal);

bool Test(string project)
{
    string results = Path.Combine(resultsFolder, Path.GetFileNameWithoutExtension(project));
    string[] options = ["--configuration", "Release", "--logger", "trx", "--results-directory", results, "--nologo"];
    string[] selection = filter is null ? [] : ["--filter", filter];
    return Step("dotnet", ["test", project, "--no-build", .. options, .. selection]);
}

static bool Step(string program, params string[] arguments)
{
    int exitCode = Shell.Show(Repository.Root, program, arguments);
    if (exitCode != 0)
    {
        Console.Error.WriteLine($"test: `{program} {string.Join(' ', arguments)}` ended with {exitCode}");
    }
    return exitCode == 0;
}
