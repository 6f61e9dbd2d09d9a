using System.Security.Cryptography;
using System.Text;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Diffusion;

/// <summary>
/// Makes the values of a denoiser's inputs of prompts, with the tokenizers and text encoders of the model's folder. Which
/// encoders are asked for what, and how that is put together, follows from the denoiser's inputs: Stable Diffusion 1 and 2,
/// SDXL and its refiner, Stable Diffusion 3, Flux, PixArt.
/// </summary>
/// <example><code>
/// var model = DiffusionModel.Load("Models/sd-clothes");
/// using var encoder = PromptEncoder.Find(model)!;
/// var prompts = encoder.Encode(["a red sneaker on a yellow background"]);
/// var settings = new TrajectorySettings { Conditioning = prompts.ToConditioningSet(), GuidanceScale = 4 };
/// </code></example>
public sealed class PromptEncoder : IDisposable
{
    private readonly TextFamily family;
    private readonly IReadOnlyList<TextEncoder> encoders;
    private readonly SideInputs sides;
    private readonly bool keepsLoaded;
    private readonly string folder;

    private PromptEncoder(
        TextFamily family,
        IReadOnlyList<TextEncoder> encoders,
        SideInputs sides,
        string folder,
        IReadOnlyList<string> files,
        bool keepsLoaded
    )
    {
        this.folder = folder;
        this.family = family;
        this.encoders = encoders;
        this.sides = sides;
        this.keepsLoaded = keepsLoaded;
        Files = files;
    }

    /// <summary>All files that decide what a prompt gives, as full paths, and places where a setting would count if it were
    /// there.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Whether a network is loaded.</summary>
    public bool IsLoaded => encoders.Any(e => e.IsLoaded);

    /// <summary>Finds a model's text encoders. Everything is checked; no network is loaded.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">Device, threads, and whether encoders stay loaded.</param>
    /// <returns>Null where the denoiser takes no text, or the folder holds no text encoder.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1045, DQ1046: a configuration cannot be read. DQ1061 to DQ1065:
    /// a tokenizer or a text encoder is missing, cannot be read or does not fit.</exception>
    public static PromptEncoder? Find(DiffusionModel model, PromptEncoderOptions? options = null) =>
        Find(model.Folder, model.Contract, options);

    /// <summary>Finds the text encoders of a model that is to take prompts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">Device, threads, and whether encoders stay loaded.</param>
    /// <exception cref="DiffusionQuantException">DQ1067: it takes none; further codes as for
    /// <see cref="Find(DiffusionModel, PromptEncoderOptions?)"/>.</exception>
    public static PromptEncoder Of(DiffusionModel model, PromptEncoderOptions? options = null) =>
        Find(model, options) ?? throw DiffusionErrors.NoTextEncoder(model.ModelPath);

    /// <summary>Finds the text encoders of a folder for a denoiser, which may lie elsewhere.</summary>
    /// <param name="folder">The folder that holds <c>text_encoder</c> and <c>tokenizer</c>.</param>
    /// <param name="contract">The denoiser's inputs.</param>
    /// <param name="options">Device, threads, and whether encoders stay loaded.</param>
    /// <returns>Null where the denoiser takes no text, or the folder holds no text encoder.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">As for a model.</exception>
    public static PromptEncoder? Find(string folder, DenoiserContract contract, PromptEncoderOptions? options = null)
    {
        options ??= PromptEncoderOptions.Default;
        var inputs = TextInputs.Of(contract);
        if (!Exists(folder, inputs))
        {
            return null;
        }

        var encoders = TextEncoderFiles.Load(folder, options);
        var family = TextFamily.Of(inputs, encoders, PipelineIndex.Load(TextEncoderFiles.ModelIndex(folder)));
        var result = new PromptEncoder(
            family,
            encoders,
            new(inputs),
            Path.GetFullPath(folder),
            [
                .. TextEncoderFiles
                    .Places(folder)
                    .Concat(encoders.SelectMany(e => e.Graph.DataFiles))
                    .Select(Path.GetFullPath)
                    .Distinct(),
            ],
            options.KeepLoaded
        );
        _ = result.Requests(PromptOptions.Default);
        return result;
    }

    /// <summary>Whether a model's folder holds a text encoder that its denoiser may take prompts by.</summary>
    /// <param name="model">The model.</param>
    public static bool Exists(DiffusionModel model) => Exists(model.Folder, TextInputs.Of(model.Contract));

    /// <summary>Encodes prompts.</summary>
    /// <param name="prompts">The prompts; any may be empty.</param>
    /// <param name="negatives">What the unconditional call takes: one for all prompts or one for each. Null and "" are no
    /// negative prompt; most families take the states of an empty text then, SDXL takes zeros.</param>
    /// <param name="options">Skipped layers, lengths and sizes.</param>
    /// <param name="cancellation">Stops between texts and within networks.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1058, DQ1064, DQ1065: a setting is bad or does not fit the
    /// encoders. DQ4001 to DQ4018: an encoder cannot be loaded, or a run failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public PromptConditioning Encode(
        IReadOnlyList<string> prompts,
        IReadOnlyList<string>? negatives = null,
        PromptOptions? options = null,
        CancellationToken cancellation = default
    )
    {
        options ??= PromptOptions.Default;
        Check(prompts, negatives, options);
        var requests = Requests(options);
        string[] positive = [.. prompts.Select(family.Prepare)];
        string[] negative = options.Unconditional ? [.. (negatives ?? [""]).Select(family.Prepare)] : [];
        var warnings = new List<string>();
        // A prompt that is empty itself has its states, as in diffusers; a negative one may be zeros, which need no network.
        var isNothing = family.ZerosForNothing ? negative.Where(n => n.Length == 0) : [];
        string[] texts = [.. positive.Concat(negative.Except(isNothing)).Distinct()];
        var rows = EncodeAll(texts, requests, warnings, cancellation);
        foreach (var nothing in isNothing.Take(1))
        {
            var some = rows[positive[0]].Positive;
            rows[nothing] = new(rows.GetValueOrDefault(nothing)?.Positive ?? some, Zeros(some));
        }

        var conditional = Stack(positive, rows, t => t.Positive);
        var unconditional = negative.Length == 0 ? null : Stack(OneOrAll(negative), rows, t => t.Negative);
        sides.AddTo(conditional, unconditional, options, prompts.Count);
        return new(conditional, unconditional, warnings);
    }

    /// <summary>What a trajectory takes for the prompts of a file: image k has prompt k modulo their number.</summary>
    /// <param name="model">The model, with its text encoders.</param>
    /// <param name="path">The file (<see cref="PromptFile"/>).</param>
    /// <param name="guidanceScale">The scale of guidance; what the unconditional call takes is made where there is one.</param>
    /// <param name="others">Arrays of inputs that no prompt decides.</param>
    /// <param name="options">Device and threads.</param>
    /// <param name="warn">Told of prompts that are cut.</param>
    /// <param name="cancellation">Stops the encoding.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1067: the model takes no prompts. DQ1069: the file cannot be
    /// read. Further codes as for <see cref="Find(DiffusionModel, PromptEncoderOptions?)"/> and <see cref="Encode"/>.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static ConditioningSet EncodeFile(
        DiffusionModel model,
        string path,
        double guidanceScale,
        ConditioningSet others,
        PromptEncoderOptions? options = null,
        Action<DiffusionQuantException>? warn = null,
        CancellationToken cancellation = default
    )
    {
        var prompts = PromptFile.Read(path);
        using var encoder = Of(model, options);
        var encoded = encoder.Encode(
            prompts,
            options: new() { Unconditional = guidanceScale != 1 && !model.Contract.TakesGuidance },
            cancellation: cancellation
        );
        foreach (var warning in encoded.Warnings)
        {
            warn?.Invoke(DiffusionErrors.PromptCut(warning));
        }

        return encoded.ToConditioningSet(others.Arrays.Values);
    }

    /// <summary>SHA-256 of all that decides what a prompt gives: tokenizers, text encoders and their settings, by content, in
    /// lower-case hexadecimal.</summary>
    public string ContentSha256()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in Files.Where(File.Exists))
        {
            var name = Path.GetRelativePath(folder, file).Replace('\\', '/');
            hash.AppendData(Encoding.UTF8.GetBytes($"{name.Length} {name}"));
            hash.AppendData(FileDigest.Of(file));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Lets loaded encoders go; the next prompt loads them again.</summary>
    public void Unload()
    {
        foreach (var encoder in encoders)
        {
            encoder.Unload();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Unload();

    private static bool Exists(string folder, TextInputs inputs) =>
        folder.Length > 0 && inputs.TakeText && TextEncoderFiles.Exist(folder);

    private static void Check(IReadOnlyList<string> prompts, IReadOnlyList<string>? negatives, PromptOptions options)
    {
        AtLeast("prompts", prompts.Count, 1);
        if (negatives is not null && negatives.Count != 1 && negatives.Count != prompts.Count)
        {
            throw DiffusionErrors.BadSettings(
                "negative prompts",
                TextInputs.Text(negatives.Count),
                $"one for all prompts, or as many as prompts ({TextInputs.Text(prompts.Count)}), are expected"
            );
        }

        AtLeast(nameof(options.ClipSkip), options.ClipSkip, 0);
        AtLeast(nameof(options.TextLength), options.TextLength ?? 1, 1);
        SideInputs.Check(options);
    }

    private static void AtLeast(string setting, int value, int least)
    {
        if (value < least)
        {
            throw DiffusionErrors.BadSettings(
                setting,
                TextInputs.Text(value),
                $"at least {TextInputs.Text(least)} is expected"
            );
        }
    }

    private static string[] OneOrAll(string[] texts) => texts.Distinct().Count() == 1 ? [texts[0]] : texts;

    private static Dictionary<string, OnnxTensor> Zeros(Dictionary<string, OnnxTensor> row) =>
        row.ToDictionary(r => r.Key, r => OnnxTensor.Of(r.Key, new float[r.Value.ElementCount], r.Value.Dims));

    private static Dictionary<string, OnnxTensor> Stack(
        string[] texts,
        Dictionary<string, TextRows> rows,
        Func<TextRows, Dictionary<string, OnnxTensor>> select
    ) =>
        select(rows[texts[0]])
            .Keys.ToDictionary(
                name => name,
                name => TensorRows.Join([.. texts.Select(t => select(rows[t])[name])]).WithName(name)
            );

    /// <summary>What is asked of the encoders, with proof that they can give it.</summary>
    private IReadOnlyList<TextRequest> Requests(PromptOptions options)
    {
        var requests = family.Requests(options);
        for (var i = 0; i < requests.Count; i++)
        {
            family.Encoders[i].Check(requests[i]);
        }

        return requests;
    }

    /// <summary>Encodes texts, each once. An encoder sees all of them before the next one is loaded.</summary>
    private Dictionary<string, TextRows> EncodeAll(
        string[] texts,
        IReadOnlyList<TextRequest> requests,
        List<string> warnings,
        CancellationToken cancellation
    )
    {
        var tokens = family.Encoders.Select((e, i) => Tokenize(e, texts, requests[i].Length, warnings)).ToArray();
        var encoded = texts.Select(_ => new EncodedText[requests.Count]).ToArray();
        for (var i = 0; i < requests.Count; i++)
        {
            var encoder = family.Encoders[i];
            try
            {
                for (var text = 0; text < texts.Length; text++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    encoded[text][i] = encoder.Encode(tokens[i][text], requests[i], cancellation);
                }
            }
            finally
            {
                if (!keepsLoaded)
                {
                    encoder.Unload();
                }
            }
        }

        return texts
            .Select((text, i) => (text, rows: family.Assemble(encoded[i], requests)))
            .ToDictionary(t => t.text, t => new TextRows(t.rows, t.rows), StringComparer.Ordinal);
    }

    private static TokenRow[] Tokenize(TextEncoder encoder, string[] texts, int length, List<string> warnings)
    {
        var rows = Array.ConvertAll(texts, text => encoder.Tokenizer.Encode(text, length));
        foreach (var (row, text) in rows.Zip(texts).Where(r => r.First.CutOff > 0))
        {
            warnings.Add(
                $"{encoder.Name} takes {TextInputs.Text(length)} tokens with those for beginning and end, so that the last {TextInputs.Text(row.CutOff)} of this prompt do not count: {text}"
            );
        }

        return rows;
    }

    /// <summary>The rows of a text as a prompt and as a negative prompt.</summary>
    private sealed record TextRows(Dictionary<string, OnnxTensor> Positive, Dictionary<string, OnnxTensor> Negative);
}
