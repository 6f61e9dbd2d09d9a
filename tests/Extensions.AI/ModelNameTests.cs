namespace DiffusionQuant.Extensions.AI.Tests;

public sealed class ModelNameTests
{
    [Theory]
    [InlineData("Models/sd-clothes", "sd-clothes")]
    [InlineData("Models/sd-clothes/", "sd-clothes")]
    [InlineData("Models/sd-clothes/unet/model.onnx", "sd-clothes")]
    [InlineData("Models/flux/transformer/model.onnx", "flux")]
    [InlineData("Models/ddpm/model.onnx", "ddpm")]
    [InlineData("Models/ddpm.v2", "ddpm.v2")]
    [InlineData("Models/ddpm-w4.onnx", "ddpm-w4")]
    [InlineData("/model.onnx", null)]
    public void A_model_is_called_like_its_folder_or_file(string path, string? name) =>
        Assert.Equal(name, ModelName.Of(path));
}
