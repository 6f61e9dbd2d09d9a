#!/usr/bin/env dotnet
#:property PublishAot=false
#:include Common/NpmPackage.cs
#:include Common/NuGetPackage.cs
#:include Common/NuGetSources.cs
#:include Common/OnnxRuntimePackages.cs
#:include Common/Repository.cs
#:include Common/Shell.cs
#:include Common/TemporaryFolder.cs

// Fills eng/feed with those packages of ONNX Runtime that the other sources of nuget.config do not hold, made of the
// same release in the npm registry. With `--cuda` the packages of the CUDA and TensorRT providers too.
//
//   dotnet run eng/feed.cs [--cuda]

using System.Xml.Linq;

string feed = Repository.PathOf("eng", "feed");
string version = XDocument
    .Load(Repository.PathOf("Directory.Packages.props"))
    .Descendants("OnnxRuntimeVersion")
    .Single()
    .Value;
string[] needed = args.Contains("--cuda")
    ? [.. OnnxRuntimePackages.Cpu, .. OnnxRuntimePackages.Cuda]
    : OnnxRuntimePackages.Cpu;

string[] absent = [.. needed.Where(id => !File.Exists(Path.Combine(feed, $"{id}.{version}.nupkg")))];
if (absent.Length == 0)
{
    Console.WriteLine($"feed: ONNX Runtime {version} is in eng/feed");
    return 0;
}

using NuGetSources sources = new();
bool[] held = await Task.WhenAll(absent.Select(id => sources.HoldAsync(id, version)));
string[] missing = [.. absent.Where((_, index) => !held[index])];
if (missing.Length == 0)
{
    Console.WriteLine($"feed: nothing to do, the package sources hold ONNX Runtime {version}");
    return 0;
}

Console.WriteLine(
    $"feed: {string.Join(", ", missing)} {version}: in no package source, made from the npm registry ..."
);
try
{
    OnnxRuntimePackages.Make(missing, version, feed);
}
catch (Exception exception) when (exception is ShellException or InvalidDataException or IOException)
{
    Console.Error.WriteLine($"feed: {exception.Message}");
    return 1;
}
Console.WriteLine("feed: done");
return 0;
