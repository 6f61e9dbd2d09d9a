using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx.Diagnostics;
using Microsoft.Extensions.AI;

namespace DiffusionQuant.Extensions.AI;

/// <summary>What a request's options ask for, read and checked before the model is needed.</summary>
internal sealed record RequestedGeneration
{
    // Above 2^53 readers of JSON that know only doubles would give another seed back.
    private const long SeedLimit = 1L << 53;

    /// <summary>How many pictures.</summary>
    public required int Count { get; init; }

    /// <summary>The seed, drawn where none was given.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Sampler, guidance and the rest but the picture to start from.</summary>
    public required GenerationOptions Generation { get; init; }

    /// <summary>As what pictures are written.</summary>
    public required PictureFormat Format { get; init; }

    /// <summary>Who is told how far it is.</summary>
    public IProgress<GenerationProgress>? Progress { get; init; }

    /// <summary>Who is told of what is no fault.</summary>
    public Action<DiffusionQuantException>? Warn { get; init; }

    /// <summary>Reads options.</summary>
    /// <param name="options">The request's.</param>
    /// <param name="raw">What its factory gave, if anything.</param>
    /// <param name="defaults">What holds where a request says nothing.</param>
    /// <exception cref="DiffusionQuantException">DQ1160: a value is not usable.</exception>
    public static RequestedGeneration Of(
        ImageGenerationOptions? options,
        GenerationOptions? raw,
        GenerationOptions defaults
    )
    {
        var properties = options?.AdditionalProperties;
        return new()
        {
            Count = options?.Count switch
            {
                null => 1,
                < 1 => throw GeneratorErrors.BadOption("Count", $"{options.Count}", "at least 1 is expected"),
                { } count => count,
            },
            Seed =
                PropertyReader.Read<ulong>(properties, DiffusionImageProperties.Seed, "a whole number from 0")
                ?? (ulong)Random.Shared.NextInt64(SeedLimit),
            Generation = Merge(properties, raw, defaults),
            Format = PictureFormat.Of(options?.MediaType),
            Progress = Listener<IProgress<GenerationProgress>>(
                properties,
                DiffusionImageProperties.Progress,
                $"an IProgress of {nameof(GenerationProgress)}"
            ),
            Warn = Listener<Action<DiffusionQuantException>>(
                properties,
                DiffusionImageProperties.Warnings,
                $"an Action of {nameof(DiffusionQuantException)}"
            ),
        };
    }

    private static T? Listener<T>(AdditionalPropertiesDictionary? properties, string name, string expected)
        where T : class =>
        properties?.GetValueOrDefault(name) switch
        {
            null => null,
            T listener => listener,
            var other => throw GeneratorErrors.BadOption(name, $"a {other.GetType().Name}", $"{expected} is expected"),
        };

    /// <summary>A request goes before the defaults. What its factory gave goes before its properties, as in other generators:
    /// those fill in what is not set there.</summary>
    private static GenerationOptions Merge(
        AdditionalPropertiesDictionary? properties,
        GenerationOptions? raw,
        GenerationOptions defaults
    )
    {
        const string Number = "a number";
        var result = raw ?? defaults;
        T? Chosen<T>(T? own, T? asked) => raw is null ? asked ?? own : own ?? asked;

        var usual = GenerationOptions.Default.Strength;
        double? ownStrength = result.Strength == usual ? null : result.Strength;
        var steps = PropertyReader.Read<int>(properties, DiffusionImageProperties.Steps, "a whole number");
        var sampler = result.Sampler with { Kind = Chosen(result.Sampler.Kind, SamplerOf(properties)) };
        // A list of timesteps says how many there are, too.
        if (steps is not null && (raw is null || sampler is { Steps: null, Timesteps: null }))
        {
            sampler = sampler with { Steps = steps, Timesteps = null };
        }

        return result with
        {
            Sampler = sampler,
            GuidanceScale = Chosen(
                result.GuidanceScale,
                PropertyReader.Read<double>(properties, DiffusionImageProperties.GuidanceScale, Number)
            ),
            NegativePrompt = Chosen(
                result.NegativePrompt,
                PropertyReader.TextOf(properties, DiffusionImageProperties.NegativePrompt)
            ),
            Strength =
                Chosen(ownStrength, PropertyReader.Read<double>(properties, DiffusionImageProperties.Strength, Number))
                ?? usual,
        };
    }

    private static SolverKind? SamplerOf(AdditionalPropertiesDictionary? properties)
    {
        // A kind's text is its word.
        if (PropertyReader.TextOf(properties, DiffusionImageProperties.Sampler) is not { } word)
        {
            return null;
        }

        string[] words = [.. SolverKind.All.Select(k => k.Name)];
        return SolverKind.Find(word)
            ?? throw GeneratorErrors.BadOption(
                DiffusionImageProperties.Sampler,
                $"'{word}'",
                NearMatch.Of(word, words) is { } near
                    ? $"did you mean {near}?"
                    : $"one of {string.Join(", ", words)} is expected"
            );
    }
}
