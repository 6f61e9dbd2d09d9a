using System.Text;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Tests.Search;

public sealed class RecipeDocumentTests
{
    [Fact]
    public void A_file_gives_the_recipe_back()
    {
        var recipe = new Recipe(new(3, 8))
        {
            Method = "gptq",
            Policy = Policy.Tfmq,
            Sampler = SolverKind.Find("ddpm"),
            Steps = 20,
            ClipSample = false,
            InputRoles = Recipe.Of(new() { Bits = new(3, 8) }).InputRoles.Add("noisy \u00e9", "sample"),
            Rules =
            [
                LayerRule.Parse("position:skip=float"),
                new(LayerPattern.Exact("/a \"quoted\" * /* // \\ & name \u00e9\n"), new(5, null)),
            ],
            WeightsSha256 = new('a', 64),
            Device = "cpu",
            Threads = 3,
        };
        var text = RecipeDocument.Write(recipe, ".", ["A heading."], rule => $"of {rule.Bits}");
        var read = Recipe.Of(RecipeFile.Parse(Encoding.UTF8.GetBytes(text)));
        Assert.Equal(recipe with { Device = "auto", Threads = 0 }, read);
        Assert.Equal(recipe.WeightsSha256, read.WeightsSha256);
        Assert.StartsWith("// A heading.\n{\n", text);
        Assert.Contains(", // of W5\n", text);
        // What is usual is not said.
        Assert.DoesNotContain("softmaxBits", text);
    }

    [Fact]
    public void Files_are_named_from_the_files_folder_on()
    {
        var folder = Path.GetFullPath(Path.Combine("some", "folder"));
        var recipe = new Recipe(new(3, 8))
        {
            Conditioning = Path.Combine(folder, "..", "states.npz"),
            TrainingData = Path.Combine(folder, "images"),
        };
        var text = RecipeDocument.Write(recipe, folder, [], _ => null);
        Assert.Contains("\"conditioning\": \"../states.npz\"", text);
        Assert.Contains("\"trainingData\": \"images\"", text);
    }
}
