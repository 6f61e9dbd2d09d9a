using System.Text.Json;

namespace DiffusionQuant.Diffusion.Tests.Text;

public sealed class T5TokenizerTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // t5.model is a Unigram model of 600 pieces with T5's special pieces (pad 0, end 1, unknown 2, no beginning) and its
    // normaliser, made with spm_train; the ids are what spm_encode gives for it.
    [Theory]
    [InlineData("", "1")]
    [InlineData(" ", "1")]
    [InlineData("a red sneaker on a yellow background", "14 154 15 3 4 27 10 17 58 47 75 14 3 30 10 16 212 3 310 1")]
    [InlineData(
        "A  photo   of a café – 東京, \"quoted\" (x:1.2)!",
        "53 66 33 19 219 13 14 112 17 39 589 3 595 3 599 598 7 274 122 29 19 12 37 127 44 93 34 25 5 51 38 586 1"
    )]
    [InlineData("ﬁne Ｗide ①  ½", "95 61 10 146 158 10 64 64 571 51 1")]
    [InlineData("Unknown ☃ snow 🙂 done", "3 226 27 58 27 349 3 2 3 4 27 19 85 3 2 3 15 308 1")]
    [InlineData("don't stop 2024", "239 27 36 12 3 4 219 24 292 51 52 1")]
    public void A_prompt_has_the_ids_that_sentencepiece_gives(string prompt, string ids)
    {
        var row = Load().Encode(prompt, 64);
        Assert.Equal(ids, string.Join(' ', row.Ids.Take(row.Used)));
        Assert.All(row.Ids.Skip(row.Used), id => Assert.Equal(0, id));
        Assert.Equal(64, row.Ids.Count);
    }

    [Fact]
    public void A_long_prompt_is_cut_before_the_end_token()
    {
        var row = Load().Encode("a red sneaker on a yellow background", 8);
        Assert.Equal([14, 154, 15, 3, 4, 27, 10, 1], row.Ids);
        Assert.Equal(12, row.CutOff);
    }

    [Fact]
    public void One_file_of_a_tokenizer_says_the_same()
    {
        // ab is likelier than a and b; "▁" stands for a space.
        object[] pieces =
        [
            new object[] { "<pad>", 0.0 },
            new object[] { "</s>", 0.0 },
            new object[] { "<unk>", 0.0 },
            new object[] { "▁", -3.0 },
            new object[] { "a", -4.0 },
            new object[] { "b", -4.5 },
            new object[] { "ab", -5.0 },
            new object[] { "▁ab", -7.5 },
            new object[] { "<extra_id_0>", 0.0 },
        ];
        folder.Write(
            "tokenizer_2/tokenizer.json",
            JsonSerializer.Serialize(
                new
                {
                    added_tokens = new[] { new { id = 8, content = "<extra_id_0>" } },
                    normalizer = new { type = "Precompiled", precompiled_charsmap = "" },
                    model = new
                    {
                        type = "Unigram",
                        unk_id = 2,
                        vocab = pieces,
                    },
                }
            )
        );
        var tokenizer = TokenizerFiles.Load(folder.At("tokenizer_2"), "text_encoder_2", null);
        Assert.Equal((TokenizerKind.T5, 9), (tokenizer.Kind, tokenizer.VocabularySize));
        Assert.Equal([7, 6, 3, 5, 4, 1, 0, 0], tokenizer.Encode("abab  ba", 8).Ids);
    }

    [Fact]
    public void A_broken_file_is_named()
    {
        folder.Write("tokenizer_2/spiece.model", "no model");
        var text = Faults.Expect("DQ1062", () => TokenizerFiles.Load(folder.At("tokenizer_2"), "text_encoder_2", null));
        Assert.Contains("spiece.model", text, StringComparison.Ordinal);
    }

    private ITextTokenizer Load()
    {
        var source = System.IO.Path.Combine(AppContext.BaseDirectory, "Text/Tokenizers/t5.model");
        File.Copy(source, folder.At("tokenizer_2/spiece.model"));
        return TokenizerFiles.Load(folder.At("tokenizer_2"), "text_encoder_2", null);
    }
}
