namespace DiffusionQuant.Tool.Tests.CommandLine;

public sealed class ParsingTests
{
    [Theory]
    [InlineData("qantize x", "There is no command 'qantize'. Did you mean 'quantize'? See: dotnet diffquant --help")]
    [InlineData("quantize x -o y --methd mse", "There is no option '--methd'. Did you mean '--method'?")]
    [InlineData("quantize x -o y --jsn", "Did you mean '--json'?")]
    [InlineData("quantize x y -o z", "'y' is one argument too many. See: dotnet diffquant quantize --help")]
    [InlineData("quantize x", "'--output' is required")]
    [InlineData("quantize -o y", "'quantize'")]
    [InlineData("quantize x -o y --steps many", "'many' for option '--steps': a whole number is expected")]
    [InlineData("quantize x -o y --eta much", "a number is expected")]
    [InlineData("quantize x -o y -v loud", "There is no verbosity 'loud'. It may be q, m, n or d")]
    public async Task Mistakes_in_the_form_exit_with_1(string arguments, string part)
    {
        var run = await ToolRun.OfAsync(arguments.Split(' '));
        Assert.Equal(1, run.ExitCode);
        Assert.Empty(run.Output);
        Assert.StartsWith("error: DQ1120: ", run.Error);
        Assert.Contains(part, run.Error);
    }

    [Theory]
    [InlineData("--quantize W1A8", "DQ1070")]
    [InlineData("", "DQ1081")]
    [InlineData("--quantize W8A8 --rule position:skip", "DQ1071")]
    [InlineData("--quantize W8A8 --policy lax", "DQ1074")]
    [InlineData("--quantize W8A8 --sampler eulr", "DQ1080")]
    [InlineData("--quantize W8A8 --steps 0", "DQ1079")]
    [InlineData("--quantize W8A8 --input-role x", "DQ1083")]
    [InlineData("--recipe no-such.json", "DQ1075")]
    [InlineData("--quantize W8A8 --effort slow", "DQ1080")]
    [InlineData("--quantize W8A8 --timestep-sampling every-k --timestep-mean 0.3", "DQ1087")]
    public async Task Mistakes_in_the_recipe_keep_their_codes(string options, string code)
    {
        using var folder = new TemporaryFolder();
        string[] given =
        [
            "quantize",
            "x",
            "-o",
            folder.At("out"),
            .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries),
        ];
        var run = await ToolRun.OfAsync(given);
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith($"error: {code}: ", run.Error);
    }

    [Fact]
    public async Task A_mistake_is_one_line_with_prefixes_on_standard_output()
    {
        var run = await ToolRun.OfAsync(["quantize", "x", "--prefix-output"]);
        Assert.Equal(1, run.ExitCode);
        Assert.Empty(run.Error);
        Assert.StartsWith("error: DQ1120: ", Assert.Single(run.OutputLines));
    }
}
