using DiffusionQuant.Diffusion;
using ImageApp;

const int Count = 16;
const int Steps = 25;
const ulong Seed = 1;
var output = Directory.CreateDirectory(args.FirstOrDefault() ?? "output").FullName;

using var quantized = DiffusionModels.DdpmFashion.Load();
var floatFolder = Path.Combine(AppContext.BaseDirectory, "Float", "ddpm-fashion");
using var original = DiffusionPipeline.Load(floatFolder);

// The same seed means the same noise: image k of one pipeline pairs with image k of the other.
var comparison = Comparison.Run(original, quantized, Count, Steps, Seed);

// Each row of the grid is eight images in float, the row below it the same eight quantized.
const int Columns = 8;
var rows = comparison.Float.Chunk(Columns).Zip(comparison.Quantized.Chunk(Columns), (f, q) => f.Concat(q));
ImageGrid.SavePng([.. rows.SelectMany(r => r)], Columns, Path.Combine(output, "float-above-quantized.png"));

var floatBytes = Bytes(Path.Combine(floatFolder, "unet", "model.onnx"));
var quantizedBytes = Bytes(Path.Combine(DiffusionModels.DdpmFashion.Folder, "model.onnx"));
var report = $"""
    # DdpmFashion, float beside quantized

    {Count} images, {Steps} DDIM steps, seed {Seed}; {Environment.ProcessorCount} cores.

    | | float | quantized | ratio |
    |---|---|---|---|
    | file, bytes | {floatBytes} | {quantizedBytes} | {(double)quantizedBytes / floatBytes:F3} |
    | ms per step, batch {Count} | {comparison.FloatStep:F1} | {comparison.QuantizedStep:F1} | {comparison.FloatStep
        / comparison.QuantizedStep:F2}× faster |

    Paired PSNR over {Count} images from the same noise: {comparison.Psnr:F1} dB.

    """;
File.WriteAllText(Path.Combine(output, "report.md"), report);
Console.WriteLine(report);
Console.WriteLine($"Pictures and report: {output}");

static long Bytes(string file) => new FileInfo(file).Length;
