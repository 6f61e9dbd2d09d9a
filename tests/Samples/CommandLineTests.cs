using TextToImage;

namespace DiffusionQuant.Samples.Tests;

public sealed class CommandLineTests
{
    [Fact]
    public void Prompts_and_options_in_any_order()
    {
        var command = CommandLine.Parse([
            "--steps",
            "5",
            "a red bag",
            "--guidance",
            "2.5",
            "green coat",
            "--seed",
            "9",
        ]);
        Assert.Equal(["a red bag", "green coat"], command.Prompts);
        Assert.Equal((5, 2.5, 9ul, false), (command.Steps, command.Guidance, command.Seed, command.Web));
        var web = CommandLine.Parse(["--web", "--port", "8080"]);
        Assert.Equal((true, 8080), (web.Web, web.Port));
    }

    [Fact]
    public void Without_prompts_there_are_some_that_calibration_did_not_see()
    {
        var known = File.ReadAllLines(Path.Combine(TextToImageApp.Folder, "prompts.txt"));
        Assert.NotEmpty(CommandLine.Parse([]).Prompts);
        Assert.Empty(CommandLine.Parse([]).Prompts.Intersect(known));
    }

    [Theory]
    [InlineData("--steps")]
    [InlineData("--steps", "many")]
    [InlineData("--port", "70000")]
    [InlineData("--bogus")]
    [InlineData(" ")]
    public void What_is_wrong_is_said_in_one_line(params string[] arguments)
    {
        var fault = Assert.Throws<CommandLineException>(() => CommandLine.Parse(arguments));
        Assert.Contains(arguments[0].Trim(), fault.Message);
        Assert.DoesNotContain('\n', fault.Message);
    }
}
