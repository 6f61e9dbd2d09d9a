using System.Text;
using System.Text.Json;

namespace DiffusionQuant.Diffusion.Tests.Text;

/// <summary>
/// The part of CLIP's vocabulary that a few prompts need: bytes, bytes at a word's end, and words, each under the id that it
/// has in the real one. The merges that lead to a word are this one's own.
/// </summary>
internal static class ClipVocabulary
{
    public const int Begin = 49406;
    public const int End = 49407;

    /// <summary>Words and parts of words with their ids; the byte-level letters are made of the text.</summary>
    private static readonly (string Text, bool EndsWord, int Id)[] Words =
    [
        ("a", true, 320),
        ("cat", true, 2368),
        ("photo", true, 1125),
        ("of", true, 539),
        ("an", true, 550),
        ("astronaut", true, 18376),
        ("riding", true, 6765),
        ("horse", true, 4558),
        ("on", true, 525),
        ("mars", true, 7496),
        ("it", true, 585),
        ("'s", true, 568),
        ("isn", true, 2923),
        ("'t", true, 713),
        ("na", false, 1097),
        ("ï", false, 35689),
        ("ve", true, 563),
        ("café", true, 15304),
        ("–", true, 1224),
        ("東", false, 48338),
        ("masterpiece", true, 12066),
        ("),", true, 2361),
        ("best", true, 949),
        ("quality", true, 3027),
        ("🙂", true, 14860),
        ("emoji", true, 16327),
    ];

    private static readonly string[] Letters = ByteLetters();

    public static Dictionary<string, int> Tokens { get; } = [];

    public static List<string> Merges { get; } = [];

    static ClipVocabulary()
    {
        foreach (var (letter, index) in Letters.Select((l, i) => (l, i)))
        {
            var id = IdOfByte(index);
            Tokens[letter] = id;
            Tokens[letter + "</w>"] = 256 + id;
        }

        var free = 60_000;
        // The pair "äº" of 京 is a merge of its own.
        AddChain(["ä", "º"], 21078, ref free);
        foreach (var (text, endsWord, id) in Words)
        {
            var pieces = Encoding.UTF8.GetBytes(text).Select(b => Letters[b]).ToArray();
            pieces[^1] += endsWord ? "</w>" : "";
            AddChain(pieces, id, ref free);
        }

        Tokens["<|startoftext|>"] = Begin;
        Tokens["<|endoftext|>"] = End;
    }

    /// <summary>Writes vocab.json and merges.txt, and settings with a padding token where one is given.</summary>
    public static void Write(TemporaryFolder folder, string name, string? pad = null)
    {
        folder.Write($"{name}/vocab.json", JsonSerializer.Serialize(Tokens));
        folder.Write($"{name}/merges.txt", $"#version: 0.2\n{string.Join('\n', Merges)}\n");
        if (pad is not null)
        {
            folder.Write($"{name}/tokenizer_config.json", $$"""{ "pad_token": "{{pad}}", "model_max_length": 77 }""");
        }
    }

    /// <summary>Merges from the right, so that a chain of one word is no beginning of another's.</summary>
    private static void AddChain(string[] pieces, int id, ref int free)
    {
        if (pieces.Length == 1)
        {
            return;
        }

        var joined = pieces[^1];
        for (var i = pieces.Length - 2; i >= 0; i--)
        {
            Merges.Add($"{pieces[i]} {joined}");
            joined = pieces[i] + joined;
            Tokens.TryAdd(joined, i == 0 ? id : free++);
        }

        Tokens[joined] = id;
    }

    private static string[] ByteLetters()
    {
        var letters = new string[256];
        var extra = 0;
        for (var b = 0; b < 256; b++)
        {
            letters[b] = (IsPrintable(b) ? (char)b : (char)(256 + extra++)).ToString();
        }

        return letters;
    }

    /// <summary>Printable bytes come first.</summary>
    private static int IdOfByte(int b) =>
        IsPrintable(b)
            ? Enumerable.Range(0, b).Count(IsPrintable)
            : Enumerable.Range(0, 256).Count(IsPrintable) + Enumerable.Range(0, b).Count(x => !IsPrintable(x));

    private static bool IsPrintable(int b) => b is (>= 33 and <= 126) or (>= 161 and <= 172) or (>= 174 and <= 255);
}
