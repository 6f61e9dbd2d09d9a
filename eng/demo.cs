#!/usr/bin/env dotnet
#:property PublishAot=false
#:include Common/Repository.cs
#:include Common/Shell.cs

// Packs DiffusionQuant, then builds and runs a sample app as a user would: from the packages alone. The build
// quantizes the app's model, and the app draws pictures with it.
//
//   dotnet run eng/demo.cs [-- text]
//
// With `text` it is the app that draws pictures of prompts.

if (args is not ([] or ["text"]))
{
    Console.Error.WriteLine("demo: the only argument is text, for the app that draws pictures of prompts");
    return 1;
}

string sample = Repository.PathOf("samples", args is ["text"] ? "TextToImage" : "ImageApp");

bool succeeded =
    Shell.Show(Repository.Root, "dotnet", "run", "eng/pack.cs") == 0
    && Shell.Show(sample, "dotnet", "build", "-c", "Release", "--nologo") == 0
    && Shell.Show(sample, "dotnet", "run", "--no-build", "-c", "Release") == 0;
if (!succeeded)
{
    return 1;
}

string output = Path.Combine(sample, "output");
Console.WriteLine();
foreach (string file in Directory.GetFiles(output).Order())
{
    string what = Path.GetExtension(file) == ".png" ? "picture" : "report";
    Console.WriteLine($"demo: {what}: {Path.GetRelativePath(Environment.CurrentDirectory, file)}");
}
return 0;
