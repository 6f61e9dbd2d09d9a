using System.Text.Json;

namespace DiffusionQuant.Diffusion.Tests.Text;

public sealed class ClipMergeTests
{
    /// <summary>Against the rule as it is written down: of all pairs in a word the one that comes first in the list is
    /// joined, everywhere in the word and from the left, until no pair is in the list.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Words_are_merged_in_the_order_of_the_list(int seed)
    {
        var random = new Random(seed);
        var (tokens, merges) = RandomVocabulary(random);
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer/vocab.json", JsonSerializer.Serialize(tokens));
        folder.Write("tokenizer/merges.txt", $"#version: 0.2\n{string.Join('\n', merges)}\n");
        var tokenizer = TokenizerFiles.Load(folder.At("tokenizer"), "text_encoder", null);
        for (var i = 0; i < 300; i++)
        {
            var word = string.Concat(Enumerable.Range(0, random.Next(1, 24)).Select(_ => (char)('a' + random.Next(3))));
            var expected = Merge(word, merges).Select(p => tokens[p]);
            var row = tokenizer.Encode(word, 64);
            Assert.Equal(expected, row.Ids.Skip(1).Take(row.Used - 2));
        }
    }

    private static (Dictionary<string, int> Tokens, List<string> Merges) RandomVocabulary(Random random)
    {
        var pieces = new List<string> { "a", "b", "c", "a</w>", "b</w>", "c</w>" };
        var merges = new List<string>();
        while (merges.Count < 40)
        {
            var (left, right) = (pieces[random.Next(pieces.Count)], pieces[random.Next(pieces.Count)]);
            if (!left.EndsWith("</w>", StringComparison.Ordinal) && !pieces.Contains(left + right))
            {
                merges.Add($"{left} {right}");
                pieces.Add(left + right);
            }
        }

        string[] all = ["<|startoftext|>", "<|endoftext|>", .. pieces];
        return (all.Select((p, i) => (p, i)).ToDictionary(p => p.p, p => p.i), merges);
    }

    private static List<string> Merge(string word, List<string> merges)
    {
        List<string> pieces = [.. word.Select(c => c.ToString())];
        pieces[^1] += "</w>";
        while (true)
        {
            var best = pieces
                .Zip(pieces.Skip(1), (l, r) => merges.IndexOf($"{l} {r}"))
                .Where(i => i >= 0)
                .DefaultIfEmpty(-1)
                .Min();
            if (best < 0)
            {
                return pieces;
            }

            var joined = new List<string>();
            for (var i = 0; i < pieces.Count; i++)
            {
                if (i + 1 < pieces.Count && $"{pieces[i]} {pieces[i + 1]}" == merges[best])
                {
                    joined.Add(pieces[i] + pieces[++i]);
                }
                else
                {
                    joined.Add(pieces[i]);
                }
            }

            pieces = joined;
        }
    }
}
