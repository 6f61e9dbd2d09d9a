using System.Text;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Recipes;
using FsCheck;
using FsCheck.Fluent;

namespace DiffusionQuant.Quantization.Tests.Recipes;

public sealed class RecipeTests
{
    private static readonly Recipe Plain = new(new BitWidths(4, 8));

    [Fact]
    public void The_canonical_JSON_is_pinned() =>
        // A change here changes every hash, so every cached result is made anew: it must be meant.
        Assert.Equal(
            """
            {"calibrationBatch":4,"calibrationSamples":null,"clipSample":null,"device":"auto","effort":"standard","eta":null,"guidanceScale":1,"inputRoles":{},"iterations":null,"method":"mse","policy":"strict","quantize":"W4A8","rules":[],"sampleSelection":"all","sampler":null,"seed":0,"softmaxBits":8,"steps":50,"threads":0,"timeGrid":"uniform","timestepDeviation":null,"timestepMean":null,"timestepSampling":null}
            """,
            Plain.CanonicalJson
        );

    [Fact]
    public void The_canonical_JSON_is_a_recipe_file_of_the_same_recipe() =>
        Prop.ForAll(Recipes().ToArbitrary(), recipe => Read(recipe.CanonicalJson).Equals(recipe))
            .QuickCheckThrowOnFailure();

    [Fact]
    public void The_hash_does_not_depend_on_the_order_of_keys() =>
        Prop.ForAll(
                Recipes()
                    .SelectMany(r => Gen.Choose(0, int.MaxValue - 1).Select(seed => (Recipe: r, Seed: seed)))
                    .ToArbitrary(),
                given => Read(Shuffled(given.Recipe.CanonicalJson, given.Seed)).Hash == given.Recipe.Hash
            )
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Each_key_changes_the_hash()
    {
        Recipe[] others =
        [
            Plain with
            {
                Bits = new(4, 6),
            },
            Plain with
            {
                Method = "tcaq-dm",
            },
            Plain with
            {
                Policy = Policy.Tfmq,
            },
            Plain with
            {
                Rules = [LayerRule.Parse("*=float")],
            },
            Plain with
            {
                SoftmaxBits = 16,
            },
            Plain with
            {
                Sampler = SolverKind.Find("ddpm"),
            },
            Plain with
            {
                Eta = 0.5,
            },
            Plain with
            {
                TimeGrid = TimeGridKind.Quadratic,
            },
            Plain with
            {
                Steps = 51,
            },
            Plain with
            {
                Effort = Effort.Quick,
            },
            Plain with
            {
                Iterations = 256,
            },
            Plain with
            {
                CalibrationSamples = 256,
            },
            Plain with
            {
                TimestepSampling = TimestepLaw.EveryK,
            },
            Plain with
            {
                TimestepMean = 0.4,
            },
            Plain with
            {
                TimestepDeviation = 0.4,
            },
            Plain with
            {
                GuidanceScale = 3,
            },
            Plain with
            {
                Prompts = "none.txt",
            },
            Plain with
            {
                Parts = Plain.Parts.Add("text_encoder", "W8A16"),
            },
            Plain with
            {
                SampleSelection = SampleSelection.Representative,
            },
            Plain with
            {
                CalibrationBatch = 9,
            },
            Plain with
            {
                Seed = 1,
            },
            Plain with
            {
                Device = "cpu",
            },
            Plain with
            {
                Threads = 2,
            },
            Plain with
            {
                InputRoles = Plain.InputRoles.Add("x", "sample"),
            },
            Plain with
            {
                ClipSample = false,
            },
            Plain with
            {
                Conditioning = "states.npz",
            },
            Plain with
            {
                TrainingData = "images",
            },
            Plain with
            {
                Dimensions = Plain.Dimensions.Add("height", 64),
            },
        ];
        // All but the weights that a recipe was made for: these only warn.
        Assert.Equal(RecipeKeys.All.Length - 1, others.Length);
        Assert.Equal(others.Length + 1, others.Append(Plain).Select(r => r.Hash).Distinct().Count());
    }

    [Fact]
    public void The_weights_that_a_recipe_was_made_for_change_no_hash()
    {
        var read = RecipeFile.Parse(Encoding.UTF8.GetBytes($$"""{ "weightsSha256": "{{new string('A', 64)}}" }"""));
        var recipe = Plain.With(read);
        Assert.Equal(new string('a', 64), recipe.WeightsSha256);
        Assert.Equal(Plain.Hash, recipe.Hash);
    }

    [Fact]
    public void Which_card_of_a_kind_does_not_change_the_hash()
    {
        var (first, second) = (Plain with { Device = "CUDA:0" }, Plain with { Device = "cuda:1" });
        Assert.Equal(first.Hash, second.Hash);
        Assert.NotEqual(first, second);
    }

    [Fact]
    public void What_is_given_wins_over_the_file_and_its_rules_come_behind()
    {
        using var file = new TemporaryFile(
            """
            {
              // as trained
              "quantize": "w4a8", "steps": 20, "rules": ["*=W8"], "inputRoles": { "a": "sample", "b": "timestep" },
            }
            """
        );
        var given = new RecipeOverrides
        {
            Steps = 10,
            Rules = [LayerRule.Parse("position:last=float")],
            InputRoles = Plain.InputRoles.Add("b", "class-label"),
        };
        var recipe = Recipe.Load(file.Path, given);
        Assert.Equal(new BitWidths(4, 8), recipe.Bits);
        Assert.Equal(10, recipe.Steps);
        Assert.Equal(["*=W8", "position:last=float"], recipe.Rules.Select(r => $"{r}"));
        Assert.Equal("class-label", recipe.InputRoles["b"]);
        Assert.Equal(recipe, Recipe.Load(file.Path).With(given));
    }

    [Theory]
    [InlineData("{\"quantise\": \"W4A8\"}", "DQ1077", "Did you mean 'quantize'?")]
    [InlineData("{\"steps\": \"50\"}", "DQ1078", "a whole number")]
    [InlineData("{\"steps\": 1.5}", "DQ1078", "a whole number")]
    [InlineData("{\"rules\": [1]}", "DQ1078", "a text")]
    [InlineData("{\"quantize\": \"W4A8\", \"steps\": 0}", "DQ1079", "1 to 10000")]
    [InlineData("{\"quantize\": \"W4A8\", \"seed\": -1}", "DQ1079", "'seed'")]
    [InlineData("{\"quantize\": \"W4A8\", \"iterations\": 0}", "DQ1079", "'iterations'")]
    [InlineData("{\"quantize\": \"W4A8\", \"calibrationSamples\": 0}", "DQ1079", "'calibrationSamples'")]
    [InlineData("{\"quantize\": \"W4A8\", \"timestepMean\": 1.5}", "DQ1079", "'timestepMean'")]
    [InlineData("{\"quantize\": \"W4A8\", \"timestepDeviation\": 0}", "DQ1079", "'timestepDeviation'")]
    [InlineData("{\"quantize\": \"W4A8\", \"guidanceScale\": -1}", "DQ1079", "'guidanceScale'")]
    [InlineData("{\"timestepSampling\": \"normal-ptq4d\"}", "DQ1080", "Did you mean 'normal-ptq4dm'?")]
    [InlineData("{\"effort\": \"slow\"}", "DQ1080", "quick, standard, thorough")]
    [InlineData(
        "{\"quantize\": \"W4A8\", \"timestepSampling\": \"uniform\", \"timestepMean\": 0.3}",
        "DQ1087",
        "'uniform'"
    )]
    [InlineData("{\"sampler\": \"ddmp\"}", "DQ1080", "Did you mean 'ddpm'?")]
    [InlineData("{\"steps\": 50}", "DQ1081", "--quantize")]
    [InlineData("{\"quantize\": \"W4A8\", \"device\": \"cuda:x\"}", "DQ1082", "cuda:1")]
    [InlineData("{\"quantize\": \"W4A8\", \"inputRoles\": {\"x\": \" \"}}", "DQ1083", "NAME=ROLE")]
    [InlineData(
        "{\"quantize\": \"W4A8\", \"inputRoles\": {\"x\": \"clas-label\"}}",
        "DQ1080",
        "Did you mean 'class-label'?"
    )]
    [InlineData("{\"quantize\": \"W4A8\", \"sampler\": \"ddpm\", \"eta\": 0.5}", "DQ1084", "ddim")]
    [InlineData("{\"quantize\": \"W4A8\", \"softmaxBits\": 12}", "DQ1085", "2 to 8")]
    [InlineData("{\"quantize\": \"W4A8\", \"method\": \"a b\"}", "DQ1086", "'method'")]
    [InlineData("{\"steps\": 50, \"steps\": 51}", "DQ1076", "steps")]
    [InlineData("{\"steps\": ", "DQ1076", "JSON")]
    [InlineData("[]", "DQ1076", "object")]
    public void Mistakes_have_codes(string json, string code, string part)
    {
        var error = Assert.Throws<DiffusionQuantException>(() => Read(json));
        Assert.Equal(code, error.Code);
        Assert.Contains(part, error.Message);
    }

    [Fact]
    public void Settings_of_the_libraries_follow_the_recipe()
    {
        var recipe = Read(
            "{\"quantize\": \"W4A8\", \"sampler\": \"DDPM\", \"steps\": 7, \"timeGrid\": \"quadratic\", \"clipSample\": false, \"inputRoles\": {\"y\": \"Class-Label\"}}"
        );
        Assert.Equal(
            new SamplerSettings
            {
                Kind = SolverKind.Find("ddpm"),
                Steps = 7,
                Quadratic = true,
                ClipSample = false,
            },
            recipe.ToSamplerSettings()
        );
        Assert.Equal(DenoiserRole.ClassLabel, recipe.ToModelOptions().InputRoles["y"]);
    }

    [Fact]
    public void Timestep_laws_have_words_of_their_own() =>
        Assert.Equal(["uniform", "every-k", "normal", "normal-ptq4dm", "quadratic"], RecipeWords.All<TimestepLaw>());

    [Fact]
    public void A_missing_file_has_a_code() =>
        Assert.Equal("DQ1075", Assert.Throws<DiffusionQuantException>(() => Recipe.Load("no-such-file.json")).Code);

    [Fact]
    public void A_file_may_begin_with_a_byte_order_mark() =>
        Assert.Equal(
            7,
            RecipeFile.Parse(Encoding.UTF8.GetPreamble().Concat("{\"steps\":7}"u8.ToArray()).ToArray()).Steps
        );

    private static Recipe Read(string json) => Recipe.Of(RecipeFile.Parse(Encoding.UTF8.GetBytes(json)));

    private static string Shuffled(string json, int seed)
    {
        using var document = System.Text.Json.JsonDocument.Parse(json);
        var pairs = document
            .RootElement.EnumerateObject()
            .Select(p => $"\"{p.Name}\" : {p.Value.GetRawText()}")
            .ToArray();
        new System.Random(seed).Shuffle(pairs);
        return "{" + string.Join(",\n", pairs) + "}";
    }

    private static Gen<Recipe> Recipes() =>
        from weights in Gen.Choose(2, 8)
        from activations in Gen.Elements(2, 3, 4, 5, 6, 7, 8, 16, 32)
        from policy in Gen.Elements(Policy.All.ToArray())
        from rules in Gen.Elements(
                "*=float",
                "type:Conv&position:skip=W8",
                "/ä \"quoted\"/*=A16",
                "position:upsample=W2A4"
            )
            .ListOf()
        from softmax in Gen.Elements(2, 8, 16, 32)
        from sampler in Gen.Elements(SolverKind.Find("ddim"), SolverKind.Find("ddpm"), null)
        from eta in Gen.Elements(0.0, 0.1, 1.0 / 3, 1.0)
        from grid in Gen.Elements(TimeGridKind.Uniform, TimeGridKind.Quadratic)
        from steps in Gen.Choose(1, 1000)
        from seed in Gen.Choose(0, int.MaxValue - 1)
        from device in Gen.Elements("auto", "cpu", "cuda")
        from names in Gen.Elements("x", "noisy/äö", "t").ListOf()
        from clip in Gen.Elements<bool?>(null, true, false)
        from effort in Gen.Elements(Enum.GetValues<Effort>())
        from law in Gen.Elements<TimestepLaw?>(null, TimestepLaw.Normal, TimestepLaw.NormalPtq4dm)
        from fraction in Gen.Elements<double?>(null, 0.1, 1.0 / 3)
        select new Recipe(new(weights, activations))
        {
            Method = "mse",
            Policy = policy,
            Rules = [.. rules.Select(LayerRule.Parse)],
            SoftmaxBits = softmax,
            Sampler = sampler,
            Eta = sampler is { TakesEta: false } ? null : eta,
            TimeGrid = grid,
            Steps = steps,
            CalibrationSamples = steps % 3 == 0 ? null : steps,
            Seed = (long)seed * seed,
            Device = device,
            Threads = steps,
            InputRoles = Plain.InputRoles.SetItems(names.Select(n => KeyValuePair.Create(n, "sample"))),
            ClipSample = clip,
            Effort = effort,
            Iterations = steps % 2 == 0 ? steps : null,
            TimestepSampling = law,
            TimestepMean = fraction,
            TimestepDeviation = fraction,
            GuidanceScale = 1 + eta,
            SampleSelection = clip == true ? SampleSelection.Representative : SampleSelection.All,
        };

    private sealed class TemporaryFile : IDisposable
    {
        public TemporaryFile(string content) => File.WriteAllText(Path, content);

        public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"{Guid.NewGuid():N}.json");

        public void Dispose() => File.Delete(Path);
    }
}
