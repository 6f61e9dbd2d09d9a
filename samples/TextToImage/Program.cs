using DiffusionQuant.Onnx.Diagnostics;
using TextToImage;
using TextToImage.Web;

try
{
    var command = CommandLine.Parse(args);
    if (command.Web)
    {
        var url = $"http://localhost:{command.Port}";
        await using var app = PictureApp.Create(_ => DiffusionModels.SdClothes.Load(Drawing.Pipeline), url);
        await app.RunAsync();
        return 0;
    }

    Console.WriteLine(Comparison.Run(command, Path.GetFullPath("output/float-above-quantized.png")));
    return 0;
}
catch (DiffusionQuantException fault)
{
    // What a user can mend: the message says what, why and what to do.
    Console.Error.WriteLine($"error: {fault.Code}: {fault.Message}");
    return 1;
}
catch (Exception fault) when (fault is CommandLineException or IOException)
{
    // A port that is taken is an IOException.
    Console.Error.WriteLine($"error: {fault.Message}");
    return 1;
}
