using System.Globalization;

namespace TextToImage;

/// <summary>What the app was asked for.</summary>
internal sealed record CommandLine
{
    public const string Usage = "usage: [PROMPT ...] [--steps 25] [--guidance 4] [--seed 1], or: --web [--port 5000]";

    public IReadOnlyList<string> Prompts { get; private init; } = Drawing.Prompts;

    public int Steps { get; private init; } = Drawing.Steps;

    public double Guidance { get; private init; } = Drawing.Guidance;

    public ulong Seed { get; private init; } = 1;

    public bool Web { get; private init; }

    public ushort Port { get; private init; } = 5000;

    public static CommandLine Parse(IReadOnlyList<string> arguments)
    {
        var (result, prompts) = (new CommandLine(), new List<string>());
        var rest = new Queue<string>(arguments);
        while (rest.TryDequeue(out var argument))
        {
            T Value<T>()
                where T : IParsable<T> =>
                rest.TryDequeue(out var text) && T.TryParse(text, CultureInfo.InvariantCulture, out var value)
                    ? value
                    : throw new CommandLineException($"{argument} takes a number. {Usage}");

            switch (argument)
            {
                case "--steps":
                    result = result with { Steps = Value<int>() };
                    break;
                case "--guidance":
                    result = result with { Guidance = Value<double>() };
                    break;
                case "--seed":
                    result = result with { Seed = Value<ulong>() };
                    break;
                case "--web":
                    result = result with { Web = true };
                    break;
                case "--port":
                    result = result with { Port = Value<ushort>() };
                    break;
                case var option when option.StartsWith('-'):
                    throw new CommandLineException($"There is no option {option}. {Usage}");
                case var empty when string.IsNullOrWhiteSpace(empty):
                    throw new CommandLineException($"{Drawing.EmptyPrompt} {Usage}");
                default:
                    prompts.Add(argument);
                    break;
            }
        }

        return prompts.Count == 0 ? result : result with { Prompts = prompts };
    }
}

internal sealed class CommandLineException(string message) : Exception(message);
