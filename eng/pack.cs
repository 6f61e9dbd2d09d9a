#!/usr/bin/env dotnet
#:property PublishAot=false
#:include Common/PackageCache.cs
#:include Common/Repository.cs
#:include Common/Shell.cs

// Packs all packages into artifacts/packages; with `--cuda` DiffusionQuant.Cuda too, whose dependency is large.
//
//   dotnet run eng/pack.cs [--cuda]

string folder = Repository.PathOf("artifacts", "packages");
Directory.CreateDirectory(folder);

// What an earlier commit left there may have a higher version; then the sample would take it.
string[] old = Packages();
PackageCache.Forget(old);
Array.ForEach(old, File.Delete);

string[] projects = args.Contains("--cuda")
    ? ["DiffusionQuant.Build.sln", "src/Cuda/Cuda.csproj"]
    : ["DiffusionQuant.Build.sln"];
if (!projects.All(Pack))
{
    return 1;
}

PackageCache.Forget(Packages());
Console.WriteLine($"pack: {Packages().Length} packages in artifacts/packages");
return 0;

string[] Packages() => Directory.GetFiles(folder, "*.nupkg");

static bool Pack(string project) =>
    Shell.Show(Repository.Root, "dotnet", "pack", project, "-c", "Release", "-v", "quiet", "--nologo") == 0;
