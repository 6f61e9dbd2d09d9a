using System.IO.Compression;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>
/// Arrays for the inputs that a sampler cannot make itself (text states, masks ...), by input name. The first dimension
/// runs over examples: image k takes row k modulo the number of rows, which is the same for all arrays, or one. Where classifier-free guidance is wanted, arrays named
/// <c>&lt;input&gt;_uncond</c> hold what the unconditional call takes, one row for all or as many as the others.
/// </summary>
public sealed class ConditioningSet
{
    private const string UnconditionalSuffix = "_uncond";
    private readonly Dictionary<string, OnnxTensor> arrays;

    private ConditioningSet(string source, Dictionary<string, OnnxTensor> arrays)
    {
        Source = source;
        this.arrays = arrays;
    }

    /// <summary>Nothing.</summary>
    public static ConditioningSet Empty { get; } = new("", []);

    /// <summary>The file or folder, for messages.</summary>
    public string Source { get; }

    /// <summary>The arrays by name.</summary>
    public IReadOnlyDictionary<string, OnnxTensor> Arrays => arrays;

    /// <summary>Takes arrays that are in memory, under their own names.</summary>
    /// <param name="arrays">The arrays.</param>
    public static ConditioningSet Of(params IEnumerable<OnnxTensor> arrays) =>
        new("conditioning", arrays.ToDictionary(a => a.Name, StringComparer.Ordinal));

    /// <summary>Reads a <c>.npz</c> file, a <c>.npy</c> file, or a folder of <c>.npy</c> files.</summary>
    /// <param name="path">The file or folder.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1052: it is missing or cannot be read.</exception>
    public static ConditioningSet Load(string path)
    {
        var arrays = new Dictionary<string, OnnxTensor>(StringComparer.Ordinal);
        try
        {
            if (Directory.Exists(path))
            {
                foreach (var file in Directory.GetFiles(path, "*.npy").Order(StringComparer.Ordinal))
                {
                    Add(Path.GetFileNameWithoutExtension(file), File.ReadAllBytes(file), file);
                }
            }
            else if (path.EndsWith(".npz", StringComparison.OrdinalIgnoreCase))
            {
                using var archive = ZipFile.OpenRead(path);
                foreach (var entry in archive.Entries)
                {
                    using var stream = entry.Open();
                    using var copy = new MemoryStream();
                    stream.CopyTo(copy);
                    Add(Path.GetFileNameWithoutExtension(entry.FullName), copy.ToArray(), $"{path}/{entry.FullName}");
                }
            }
            else
            {
                Add(Path.GetFileNameWithoutExtension(path), File.ReadAllBytes(path), path);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw DiffusionErrors.BadArrayFile(path, e.Message, e);
        }

        return arrays.Count > 0 ? new(path, arrays) : throw DiffusionErrors.BadArrayFile(path, "it holds no arrays");

        void Add(string name, byte[] bytes, string file) => arrays[name] = NpyReader.Read(bytes, name, file);
    }

    /// <summary>Checks that every input that must be supplied is, with a fitting rank.</summary>
    /// <param name="contract">The denoiser's contract.</param>
    /// <param name="withUnconditional">Whether the arrays of the unconditional call are needed too.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1050, DQ1051, DQ1053: one is missing or does not fit.</exception>
    public void Check(DenoiserContract contract, bool withUnconditional = false)
    {
        var missing = contract.Conditioning.Where(i => !arrays.ContainsKey(i.Name)).ToArray();
        if (missing.Length > 0)
        {
            throw DiffusionErrors.ConditioningMissing(
                contract.Path,
                string.Join(", ", (IEnumerable<DenoiserInput>)missing)
            );
        }

        foreach (var (input, array) in Of(contract))
        {
            CheckFits(contract, input, array);
            CheckFinite(input, array);
        }

        CheckRows(contract);
        if (
            withUnconditional
            && contract.NullClass is null
            && !contract.Conditioning.Any(i => arrays.ContainsKey(i.Name + UnconditionalSuffix))
        )
        {
            throw DiffusionErrors.NoGuidance(
                contract.Path,
                contract.ClassLabel is not null
                    ? "the label of its null class is not known; it is, where its table of labels has one row more than config.json says there are classes (\"num_class_embeds\")"
                    : $"no array for the unconditional call is given (named like an input with {UnconditionalSuffix} behind)"
            );
        }
    }

    /// <summary>These arrays, and those of inputs that follow from others: a scale of guidance, positions of tokens, sizes,
    /// a mask that leaves nothing out.</summary>
    /// <param name="contract">The denoiser's contract.</param>
    /// <param name="guidanceScale">The scale, for networks that take it as an input.</param>
    public ConditioningSet Completed(DenoiserContract contract, double guidanceScale)
    {
        ArgumentNullException.ThrowIfNull(contract);
        var result = new Dictionary<string, OnnxTensor>(arrays, StringComparer.Ordinal);
        foreach (var input in contract.Conditioning.Where(i => !arrays.ContainsKey(i.Name)))
        {
            if (MadeUpInputs.Of(contract, input, this, guidanceScale) is { } made)
            {
                result[input.Name] = made;
            }
        }

        return result.Count == arrays.Count ? this : new(Source, result);
    }

    /// <summary>These arrays and another.</summary>
    /// <param name="array">The array, under its own name.</param>
    public ConditioningSet With(OnnxTensor array)
    {
        ArgumentNullException.ThrowIfNull(array);
        return new(Source, new(arrays, StringComparer.Ordinal) { [array.Name] = array });
    }

    /// <summary>The rows of some images, one array for each input.</summary>
    /// <param name="contract">The denoiser's contract.</param>
    /// <param name="images">The images' indices.</param>
    /// <param name="unconditional">Whether the arrays for the unconditional call are wanted; an input without one gets its
    /// usual array.</param>
    public IReadOnlyDictionary<string, OnnxTensor> Rows(
        DenoiserContract contract,
        IReadOnlyList<int> images,
        bool unconditional = false
    )
    {
        var result = new Dictionary<string, OnnxTensor>(StringComparer.Ordinal);
        foreach (var input in contract.Conditioning)
        {
            var array =
                unconditional && arrays.TryGetValue(input.Name + UnconditionalSuffix, out var other)
                    ? other
                    : arrays[input.Name];
            result[input.Name] = HasRows(contract, input)
                ? TensorRows.Take(array, [.. images.Select(k => (int)(k % array.Dims[0]))])
                : array;
        }

        return result;
    }

    /// <summary>The rows of some images, of which some want the arrays for the unconditional call.</summary>
    /// <param name="contract">The denoiser's contract.</param>
    /// <param name="images">The images' indices.</param>
    /// <param name="unconditional">For each image whether the arrays for the unconditional call are wanted.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1051: both are wanted at once, but they differ in shape or
    /// have one value for all images.</exception>
    public IReadOnlyDictionary<string, OnnxTensor> Rows(
        DenoiserContract contract,
        IReadOnlyList<int> images,
        IReadOnlyList<bool> unconditional
    )
    {
        if (unconditional.Distinct().Count() < 2)
        {
            return Rows(contract, images, unconditional is [true, ..]);
        }

        var result = new Dictionary<string, OnnxTensor>(StringComparer.Ordinal);
        var (yes, no) = (Rows(contract, images), Rows(contract, images, unconditional: true));
        foreach (var input in contract.Conditioning)
        {
            var (conditional, other) = (yes[input.Name], no[input.Name]);
            if (!arrays.ContainsKey(input.Name + UnconditionalSuffix))
            {
                result[input.Name] = conditional;
                continue;
            }

            if (
                !HasRows(contract, input)
                || conditional.ElementType != other.ElementType
                || !conditional.Dims.SequenceEqual(other.Dims)
            )
            {
                throw DiffusionErrors.BadConditioning(
                    Source,
                    input.Name,
                    $"its array and {input.Name}{UnconditionalSuffix} cannot be in one batch, because a row of them differs in shape or type or there are no rows"
                );
            }

            result[input.Name] = TensorRows.Mix(conditional, other, unconditional);
        }

        return result;
    }

    /// <summary>Whether an input has a row for each sample, rather than one value for all.</summary>
    internal static bool HasRows(DenoiserContract contract, DenoiserInput input)
    {
        if (input.Shape is not { } shape)
        {
            return true;
        }

        if (shape.Rank == 0)
        {
            return false;
        }

        if (shape[0].Value is { } size)
        {
            return size == contract.FixedBatch;
        }

        // Exporters give each input's batch another name; but the tokens that positions run over are no batch.
        return input.Role != DenoiserRole.PositionIds || shape[0].Symbol == contract.Sample.Shape?[0].Symbol;
    }

    /// <summary>The arrays of a model's inputs, those of the unconditional call among them.</summary>
    private IEnumerable<(DenoiserInput Input, OnnxTensor Array)> Of(DenoiserContract contract) =>
        contract.Conditioning.SelectMany(input =>
            new[] { input.Name, input.Name + UnconditionalSuffix }
                .Where(arrays.ContainsKey)
                .Select(name => (input, arrays[name]))
        );

    /// <summary>Row k of one array belongs to row k of another: of 5 and 3 rows, pairs would be made that nobody meant.</summary>
    private void CheckRows(DenoiserContract contract)
    {
        OnnxTensor[] several =
        [
            .. Of(contract).Where(a => HasRows(contract, a.Input) && a.Array.Dims[0] != 1).Select(a => a.Array),
        ];
        if (several.FirstOrDefault(a => a.Dims[0] != several[0].Dims[0]) is { } other)
        {
            throw DiffusionErrors.BadConditioning(
                Source,
                other.Name,
                $"it has {other.Dims[0]} rows, and '{several[0].Name}' has {several[0].Dims[0]}; image k takes row k of each, so that all have as many rows, or one for all images"
            );
        }
    }

    private void CheckFinite(DenoiserInput input, OnnxTensor array)
    {
        if (!array.ElementType.IsFloatingPoint())
        {
            return;
        }

        var numbers = array.ToFloats().Span;
        for (var i = 0; i < numbers.Length; i++)
        {
            // A mask that is added to scores may take a token out by minus infinity.
            if (
                !float.IsFinite(numbers[i])
                && !(input.Role == DenoiserRole.Mask && float.IsNegativeInfinity(numbers[i]))
            )
            {
                var what = float.IsNaN(numbers[i]) ? "NaN" : "an infinite number";
                throw DiffusionErrors.BadConditioning(Source, array.Name, $"it has {what} at [{Place(array, i)}]");
            }
        }
    }

    private static string Place(OnnxTensor array, long index)
    {
        var place = new long[array.Rank];
        for (var axis = place.Length - 1; axis >= 0; axis--)
        {
            (index, place[axis]) = Math.DivRem(index, array.Dims[axis]);
        }

        return string.Join(',', place);
    }

    private void CheckFits(DenoiserContract contract, DenoiserInput input, OnnxTensor array)
    {
        if (HasRows(contract, input) && (array.Rank == 0 || array.Dims[0] == 0))
        {
            throw DiffusionErrors.BadConditioning(Source, array.Name, "it has no rows");
        }

        if (input.Shape is not { } shape)
        {
            return;
        }

        if (array.Rank != shape.Rank)
        {
            throw DiffusionErrors.BadConditioning(
                Source,
                input.Name,
                $"it has rank {array.Rank}, and the input is {input}"
            );
        }

        for (var i = HasRows(contract, input) ? 1 : 0; i < shape.Rank; i++)
        {
            if (shape[i].Value is { } size && size != array.Dims[i])
            {
                throw DiffusionErrors.BadConditioning(
                    Source,
                    input.Name,
                    $"it is [{string.Join(',', array.Dims.ToArray())}], and the input is {input}"
                );
            }
        }

        if (array.ElementType.IsFloatingPoint() && !input.ElementType.IsFloatingPoint())
        {
            throw DiffusionErrors.BadConditioning(
                Source,
                input.Name,
                $"its numbers are {array.ElementType}, and the input is {input}"
            );
        }
    }
}
