#!/usr/bin/env dotnet
#:property PublishAot=false
#:include Api/Baseline.cs
#:include Api/DeclaredApi.cs
#:include Common/Repository.cs
#:include Common/Shell.cs

// Writes what the libraries declare as public now into their PublicAPI files, with which each build compares it
// (RS0016, RS0017): what is new or gone since the last release. With `--release`, for the commit that a version's tag
// will name, all of it becomes the last release.
//
//   dotnet run eng/api.cs [-- --release]

if (args is not ([] or ["--release"]))
{
    Console.Error.WriteLine("api: the only option is --release");
    return 1;
}

string[] libraries =
[
    .. Directory
        .GetFiles(Repository.PathOf("src"), "PublicAPI.Shipped.txt", SearchOption.AllDirectories)
        .Select(file => Path.GetDirectoryName(file)!)
        .Order(StringComparer.Ordinal),
];
try
{
    DeclaredApi api = new(Repository.PathOf("artifacts", "api"));
    foreach (string library in libraries)
    {
        string[] declared = api.Of(library);
        Baseline baseline = new(library);
        if (args is ["--release"])
        {
            baseline.WriteRelease(declared);
        }
        else
        {
            baseline.WriteChanges(declared);
        }
        Console.WriteLine($"api: {Path.GetFileName(library)}: {declared.Length} public symbols");
    }
    return 0;
}
catch (ShellException exception)
{
    Console.Error.WriteLine($"api: {exception.Message}");
    return 1;
}
