using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Artifacts;

namespace DiffusionQuant.Evaluation.Features.Clip;

/// <summary>A CLIP model's folder, read and checked; its networks are loaded later (<see cref="ClipScorer"/>).</summary>
internal sealed record ClipModel
{
    /// <summary>The network of texts.</summary>
    public required ClipTower Text { get; init; }

    /// <summary>The network of pictures.</summary>
    public required ClipTower Images { get; init; }

    /// <summary>What makes tokens of texts.</summary>
    public required ClipTextTokenizer Tokenizer { get; init; }

    /// <summary>How pictures are prepared.</summary>
    public required ClipImageSettings Settings { get; init; }

    /// <summary>Its name and the hash of all that changes a score.</summary>
    public required ClipIdentity Identity { get; init; }

    /// <summary>All files that decide what it gives, as full paths, and places where another would count if there were one.</summary>
    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>How many tokens the text's network takes: as many as its graph fixes, else as the tokenizer says.</summary>
    public int TextLength => FixedTextLength ?? Tokenizer.MaxLength;

    /// <summary>How many tokens each text must have; null for as many as it has.</summary>
    public int? FixedTextLength => (int?)(Text.Content.Shape is { } shape ? shape[1].Value : null);

    /// <summary>Reads a model. No network is loaded.</summary>
    /// <param name="folder">Its folder.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3038: there is none. DQ3039, DQ3040: its networks or its
    /// <c>preprocessor_config.json</c> do not fit. DQ1061 to DQ1063: its tokenizer is missing, cannot be read or does not fit.
    /// DQ1001 to DQ1014: a graph cannot be read.</exception>
    public static ClipModel Load(string folder)
    {
        var (textPath, imagePath) = ClipLayout.Find(folder);
        var textModel = OnnxModel.Load(textPath);
        var imageModel = imagePath == textPath ? textModel : OnnxModel.Load(imagePath);
        // Before functions are inlined: the hash is that of the file.
        string[] hashes =
            imagePath == textPath
                ? [SourceHash.Of(textPath, textModel)]
                : [SourceHash.Of(textPath, textModel), SourceHash.Of(imagePath, imageModel)];
        textModel.InlineFunctions();
        imageModel.InlineFunctions();
        var text = ClipTower.OfText(textPath, textModel);
        var images = ClipTower.OfImages(imagePath, imageModel);
        if (text.Width is { } width && images.Width is { } other && width != other)
        {
            throw images.DoesNotFit($"its embeddings have {other} numbers, and those of texts {width}");
        }

        var tokenizer = ClipTextTokenizer.Load(folder, textPath, textModel, text.Content.Name);
        var fixedSize = SizeOf(images.Content);
        var settings = ClipImageSettings.Load(folder, fixedSize);
        if (fixedSize is { } network && settings.FinalSize is { } given && network != given)
        {
            throw images.DoesNotFit(
                $"its pictures have {network.Width}x{network.Height} pixels, and {ClipImageSettings.FileName} makes {given.Width}x{given.Height}"
            );
        }

        return new()
        {
            Text = text,
            Images = images,
            Tokenizer = tokenizer,
            Settings = settings,
            Identity = new(ModelIdentity.NameOf(folder), HashOf(hashes, tokenizer.Files, settings)),
            Files =
            [
                .. ClipLayout
                    .Places(folder)
                    .Concat(textModel.DataFiles)
                    .Concat(imageModel.DataFiles)
                    .Concat(tokenizer.Files)
                    .Append(Path.Combine(folder, ClipImageSettings.FileName))
                    .Select(Path.GetFullPath)
                    .Distinct(),
            ],
        };
    }

    private static (int Height, int Width)? SizeOf(ValueInfo pixels) =>
        pixels.Shape is { Rank: 4 } shape && shape[2].Value is { } height && shape[3].Value is { } width
            ? ((int)height, (int)width)
            : null;

    /// <summary>Over networks, the tokenizer's files and the settings as they are understood, so that a file which says what is
    /// usual is no other model.</summary>
    private static string HashOf(string[] networks, IReadOnlyList<string> tokenizer, ClipImageSettings settings)
    {
        var text = new StringBuilder();
        text.AppendJoin('\n', networks).Append('\n');
        foreach (var file in tokenizer.Where(File.Exists))
        {
            using var stream = File.OpenRead(file);
            text.Append(
                CultureInfo.InvariantCulture,
                $"{Path.GetFileName(file)} {Convert.ToHexStringLower(SHA256.HashData(stream))}\n"
            );
        }

        text.Append(settings.ToIdentity());
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
