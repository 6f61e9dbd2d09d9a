using System.Text.Json;

namespace DiffusionQuant.Diffusion.Tests.Text;

public sealed class ClipTokenizerTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // The ids are those of the real vocabulary.
    [Theory]
    [InlineData("", "")]
    [InlineData("a", "320")]
    [InlineData("A cat.", "320 2368 269")]
    [InlineData("a photo of an astronaut riding a horse on mars", "320 1125 539 550 18376 6765 320 4558 525 7496")]
    [InlineData("it's 2024, isn't it?", "585 568 273 271 273 275 267 2923 713 585 286")]
    [InlineData("naïve café – 東京", "1097 35689 563 15304 1224 48338 21078 361")]
    [InlineData("(masterpiece:1.2), best quality", "263 12066 281 272 269 273 2361 949 3027")]
    [InlineData("🙂 emoji", "14860 16327")]
    [InlineData("!", "256")]
    public void The_words_of_a_prompt_have_the_ids_that_transformers_gives(string prompt, string ids)
    {
        var row = Load("tokenizer").Encode(prompt, 77);
        Assert.Equal(ids, string.Join(' ', row.Ids.Skip(1).Take(row.Used - 2)));
        Assert.Equal((ClipVocabulary.Begin, ClipVocabulary.End), (row.Ids[0], row.Ids[row.Used - 1]));
        Assert.Equal(77, row.Ids.Count);
        Assert.All(row.Ids.Skip(row.Used), id => Assert.Equal(ClipVocabulary.End, id));
        Assert.Equal(0, row.CutOff);
    }

    [Theory]
    [InlineData("  A\t\n cat . ", "A cat.")]
    [InlineData("nai\u0308ve cafe\u0301", "naïve café")]
    [InlineData("CAFE\u0301", "café")]
    [InlineData("MASTERPIECE,Best", "masterpiece , best")]
    [InlineData("it'S", "it's")]
    [InlineData("20 24", "2 0 2 4")]
    [InlineData("a\u00a0cat\u3000on", "a cat on")]
    public void Case_white_space_and_composition_make_no_difference(string one, string other)
    {
        var tokenizer = Load("tokenizer");
        Assert.Equal(tokenizer.Encode(other, 77).Ids, tokenizer.Encode(one, 77).Ids);
    }

    [Fact]
    public void A_letter_beyond_sixteen_bits_is_a_letter()
    {
        // U+20BB7 is a character of a Japanese name; the word goes on behind it.
        var row = Load("tokenizer").Encode("a\U00020BB7cat", 77);
        Assert.Equal(ClipVocabulary.Tokens["a"], row.Ids[1]);
        Assert.Equal(ClipVocabulary.Tokens["cat</w>"], row.Ids[row.Used - 2]);
    }

    [Fact]
    public void Special_tokens_are_found_in_a_prompt()
    {
        var row = Load("tokenizer").Encode("a<|endoftext|>cat", 77);
        Assert.Equal([ClipVocabulary.Begin, 320, ClipVocabulary.End, 2368, ClipVocabulary.End], row.Ids.Take(5));
    }

    [Theory]
    [InlineData("\"!\"")]
    [InlineData("{ \"content\": \"!\", \"lstrip\": false }")]
    public void A_padding_token_of_the_settings_fills_up_and_is_special(string pad)
    {
        ClipVocabulary.Write(folder, "tokenizer_2");
        folder.Write("tokenizer_2/special_tokens_map.json", $$"""{ "pad_token": {{pad}} }""");
        var row = TokenizerFiles.Load(folder.At("tokenizer_2"), "text_encoder_2", defaultPad: null).Encode("a cat!", 8);
        Assert.Equal([ClipVocabulary.Begin, 320, 2368, 0, ClipVocabulary.End, 0, 0, 0], row.Ids);
    }

    [Fact]
    public void A_long_prompt_is_cut_before_the_end_token()
    {
        var row = Load("tokenizer").Encode(string.Join(' ', Enumerable.Repeat("cat", 80)), 77);
        Assert.Equal(77, row.Ids.Count);
        Assert.Equal(ClipVocabulary.End, row.Ids[76]);
        Assert.Equal((77, 5), (row.Used, row.CutOff));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void One_file_of_a_tokenizer_says_the_same_as_two(bool mergesArePairs)
    {
        var json = JsonSerializer.Serialize(
            new
            {
                added_tokens = new[] { new { id = ClipVocabulary.End, content = "<|endoftext|>" } },
                model = new
                {
                    type = "BPE",
                    vocab = ClipVocabulary.Tokens,
                    merges = mergesArePairs
                        ? (object)ClipVocabulary.Merges.Select(m => m.Split(' '))
                        : ClipVocabulary.Merges,
                },
            }
        );
        folder.Write("tokenizer/tokenizer.json", json);
        var row = TokenizerFiles.Load(folder.At("tokenizer"), "text_encoder", null).Encode("A cat.", 6);
        Assert.Equal([ClipVocabulary.Begin, 320, 2368, 269, ClipVocabulary.End, ClipVocabulary.End], row.Ids);
    }

    [Fact]
    public void Merges_go_by_rank_and_not_by_place()
    {
        var tokens = new Dictionary<string, int> { ["<|startoftext|>"] = 0, ["<|endoftext|>"] = 1 };
        foreach (var token in new[] { "a", "b", "c", "c</w>", "ab", "bc</w>", "abc</w>", "bc", "abab" })
        {
            tokens[token] = tokens.Count;
        }

        folder.Write("tokenizer/vocab.json", JsonSerializer.Serialize(tokens));
        // b c</w> comes before a b: "abc" is a + bc</w>. Both pairs of "ababc" that are left are merged in one round.
        folder.Write("tokenizer/merges.txt", "#version: 0.2\nb c</w>\na b\nab ab\n");
        var tokenizer = TokenizerFiles.Load(folder.At("tokenizer"), "text_encoder", null);
        Assert.Equal([0, tokens["a"], tokens["bc</w>"], 1], tokenizer.Encode("abc", 4).Ids);
        Assert.Equal([0, tokens["abab"], tokens["a"], tokens["bc</w>"], 1], tokenizer.Encode("abababc", 5).Ids);
    }

    [Theory]
    [InlineData("vocab.json", "DQ1061", "merges.txt is missing")]
    [InlineData("merges.txt", "DQ1061", "vocab.json is missing")]
    [InlineData("nothing", "DQ1061", "neither vocab.json")]
    public void A_missing_file_is_named(string present, string code, string message)
    {
        folder.Write($"tokenizer/{present}", "{}");
        var text = Faults.Expect(code, () => TokenizerFiles.Load(folder.At("tokenizer"), "text_encoder", null));
        Assert.Contains(message, text, StringComparison.Ordinal);
        Assert.Contains("text_encoder", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("vocab.json", "{ \"a\": ", "vocab.json")]
    [InlineData("vocab.json", "{}", "no tokens")]
    [InlineData("vocab.json", "{ \"a\": 1 }", "<|startoftext|>")]
    [InlineData("vocab.json", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS")]
    [InlineData("merges.txt", "version https://git-lfs.github.com/spec/v1\noid sha256:0 1 2\n", "Git LFS")]
    [InlineData("merges.txt", "#version\na b c\n", "'a b c' is no merge")]
    public void A_broken_file_is_named(string name, string content, string message)
    {
        ClipVocabulary.Write(folder, "tokenizer");
        folder.Write($"tokenizer/{name}", content);
        var text = Faults.Expect("DQ1062", () => TokenizerFiles.Load(folder.At("tokenizer"), "text_encoder", null));
        Assert.Contains(message, text, StringComparison.Ordinal);
        Assert.Contains(name, text, StringComparison.Ordinal);
    }

    private ITextTokenizer Load(string name)
    {
        ClipVocabulary.Write(folder, name);
        return TokenizerFiles.Load(folder.At(name), "text_encoder", null);
    }
}
