#!/usr/bin/env dotnet
#:property PublishAot=false
#:include Common/PackageCache.cs
#:include Common/Repository.cs
#:include Common/Shell.cs

// Packs all packages into artifacts/packages; with `--cuda` DiffusionQuant.Cuda too, whose dependency is large.
//
//   dotnet run eng/pack.cs [--cuda]

using System.Xml.Linq;

string[] projects = args.Contains("--cuda")
    ? ["DiffusionQuant.Build.sln", "src/Cuda/Cuda.csproj"]
    : ["DiffusionQuant.Build.sln"];

bool isPacked = projects.All(Pack);
if (isPacked)
{
    XDocument properties = XDocument.Load(Repository.PathOf("Directory.Build.props"));
    string version = properties.Descendants("Version").Single().Value;
    string packages = Repository.PathOf("artifacts", "packages");
    PackageCache.Forget(packages, version);
    Console.WriteLine(
        $"pack: {Directory.GetFiles(packages, $"*.{version}.nupkg").Length} packages in artifacts/packages"
    );
}
return isPacked ? 0 : 1;

static bool Pack(string project) =>
    Shell.Show(Repository.Root, "dotnet", "pack", project, "-c", "Release", "-v", "quiet", "--nologo") == 0;
