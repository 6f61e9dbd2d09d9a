using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Engine.Tests;

public sealed class DeviceTests
{
    [Theory]
    [InlineData("cpu")]
    [InlineData(" CPU ")]
    public void Cpu_is_read(string text) => Assert.Equal(Device.Cpu, Device.Parse(text));

    [Theory]
    [InlineData("gpu")]
    [InlineData("")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:x")]
    [InlineData("cuda:99999999999")]
    [InlineData("cpu:0")]
    public void Other_texts_are_refused(string text) =>
        Assert.Equal("DQ4002", Assert.Throws<DiffusionQuantException>(() => Device.Parse(text)).Code);

    [Fact]
    public void Auto_is_a_gpu_only_where_one_can_be_used() =>
        Assert.Equal(Device.CudaProviderAvailable ? "cuda:0" : "cpu", Device.Parse("auto").ToString());

    [Fact]
    public void Names_can_be_read_again()
    {
        Assert.Equal("cpu", Device.Cpu.ToString());
        Assert.Equal("cuda:1", new Device(DeviceKind.Cuda, 1).ToString());
    }

    [Fact]
    public void Cuda_without_a_gpu_says_so()
    {
        if (Device.NvidiaGpuPresent)
        {
            return;
        }

        Assert.Equal("DQ4003", Assert.Throws<DiffusionQuantException>(() => Device.Parse("cuda")).Code);
        Assert.Equal("DQ4003", Assert.Throws<DiffusionQuantException>(() => Device.Parse("cuda:3")).Code);
        var settings = new SessionSettings { Device = new(DeviceKind.Cuda) };
        var load = Assert.Throws<DiffusionQuantException>(() =>
            ModelSession.Load(TinyModels.SumAndProduct(), settings)
        );
        Assert.Equal("DQ4003", load.Code);
    }

    [Fact]
    public void Without_the_provider_the_message_names_the_package()
    {
        // The tool on the path passes for a GPU, so that the provider itself is tried.
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File(OperatingSystem.IsWindows() ? "nvidia-smi.exe" : "nvidia-smi"), "");
        var path = folder.Path + Path.PathSeparator + Environment.GetEnvironmentVariable("PATH");
        if (Device.NvidiaGpuPresent || OwnProcess.Run(["gpu"], null, ("PATH", path)) != "True")
        {
            return;
        }

        var output = OwnProcess.Run(["device", "cuda"], null, ("PATH", path));
        Assert.StartsWith("DQ4004: ", output, StringComparison.Ordinal);
        Assert.Contains("DiffusionQuant.Cuda", output, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", output, StringComparison.Ordinal);
        Assert.Equal("cpu", OwnProcess.Run(["device", "auto"], null, ("PATH", path)));
    }

    [Fact]
    public void A_folder_without_the_runtime_is_refused_when_cuda_is_asked_for()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File(OperatingSystem.IsWindows() ? "nvidia-smi.exe" : "nvidia-smi"), "");
        var path = folder.Path + Path.PathSeparator + Environment.GetEnvironmentVariable("PATH");
        if (OwnProcess.Run(["gpu"], null, ("PATH", path)) != "True")
        {
            return;
        }

        (string, string?)[] environment = [("PATH", path), (NativeLibraries.CudaPathVariable, folder.Path)];
        Assert.StartsWith("DQ4006: ", OwnProcess.Run(["device", "cuda"], null, environment), StringComparison.Ordinal);
        Assert.Equal("cpu", OwnProcess.Run(["device", "auto"], null, environment));
    }
}
