/// <summary>The NuGet packages of ONNX Runtime, made of the same release in the npm registry.</summary>
internal static class OnnxRuntimePackages
{
    private const string Managed = "Microsoft.ML.OnnxRuntime.Managed";
    private const string Native = "Microsoft.ML.OnnxRuntime";
    private const string Gpu = "Microsoft.ML.OnnxRuntime.Gpu";
    private const string GpuLinux = "Microsoft.ML.OnnxRuntime.Gpu.Linux";

    private const string ReleaseInNpm = "1.29.0";
    private static readonly NpmPackage RuntimeInNpm = new(
        "com.github.asus4.onnxruntime",
        "0.4.9",
        "e59788788818fdde1b2e522e766a21ba0f7d8391de55737abf81e32cc801785d"
    );
    private static readonly NpmPackage CudaInNpm = new(
        "com.github.asus4.onnxruntime.linux-x64-gpu",
        "0.4.9",
        "2b459e0c17f340c92970c10ed86de4f37a3009f93c14053e6ad4334cbb6be412"
    );

    // The runtime itself of the first package is built without CUDA, and a provider cannot be added to such a build. The
    // one for Node is of the same commit and built with it.
    private static readonly NpmPackage RuntimeWithCudaInNpm = new(
        "onnxruntime-node",
        "1.29.0",
        "cfdfb45ec4044b1fdca43e5d2e180fb6817e649ff8ad1e0dfc90e18e51b67037"
    );

    // With 10.x one member of ONNX Runtime's sources does not compile.
    private const string TensorsVersion = "9.0.20";

    /// <summary>What runs models on the CPU.</summary>
    public static string[] Cpu => [Managed, Native];

    /// <summary>What is needed besides to run them on an NVIDIA GPU, cut into packages as the official ones are.</summary>
    public static string[] Cuda => [Gpu, GpuLinux];

    /// <summary>Makes the packages of these ids and puts them into a folder feed.</summary>
    public static void Make(IReadOnlyCollection<string> ids, string version, string feed)
    {
        if (version != ReleaseInNpm)
        {
            throw new InvalidDataException(
                $"the pinned npm packages hold ONNX Runtime {ReleaseInNpm}, but {version} is asked for."
            );
        }

        using TemporaryFolder runtime = new();
        RuntimeInNpm.Unpack(runtime, IsNeeded);
        using TemporaryFolder cuda = new();
        using TemporaryFolder runtimeWithCuda = new();
        if (ids.Contains(GpuLinux))
        {
            CudaInNpm.Unpack(cuda, IsNeeded);
            RuntimeWithCudaInNpm.Unpack(runtimeWithCuda, IsLinuxRuntime);
        }

        foreach (string id in ids)
        {
            NuGetPackage package = id switch
            {
                Managed => MakeManaged(runtime, version),
                Native => MakeNative(runtime, version),
                Gpu => MakeGpu(version),
                GpuLinux => MakeGpuLinux(runtimeWithCuda, cuda, version),
                _ => throw new ArgumentOutOfRangeException(nameof(ids), id, "not a package of ONNX Runtime"),
            };
            package.AddFile(runtime.PathOf("package/LICENSE"), "");
            package.AddFile(runtime.PathOf("package/ThirdPartyNotices.txt"), "");
            package.WriteTo(feed);
        }
    }

    private const string LinuxRuntimeInNode = "package/bin/napi-v6/linux/x64/libonnxruntime.so.1";

    private static bool IsLinuxRuntime(string entry) => entry == LinuxRuntimeInNode;

    private static bool IsNeeded(string entry) =>
        !entry.EndsWith(".meta", StringComparison.Ordinal)
        && !entry.StartsWith("package/Plugins/iOS~/", StringComparison.Ordinal)
        && !entry.StartsWith("package/Plugins/Android/", StringComparison.Ordinal)
        && !entry.StartsWith("package/Runtime/Training/", StringComparison.Ordinal);

    private static NuGetPackage MakeManaged(TemporaryFolder runtime, string version)
    {
        string assembly = Compile(runtime, version);
        NuGetPackage package = new(Managed, version, "The managed part of ONNX Runtime.")
        {
            Dependencies = new Dictionary<string, string> { ["System.Numerics.Tensors"] = TensorsVersion },
        };
        package.AddFile(assembly, "lib/net10.0");
        package.AddFile(Path.ChangeExtension(assembly, ".xml"), "lib/net10.0");
        return package;
    }

    private static NuGetPackage MakeNative(TemporaryFolder runtime, string version)
    {
        NuGetPackage package = new(Native, version, "The native libraries of ONNX Runtime for the CPU.")
        {
            Dependencies = new Dictionary<string, string> { [Managed] = version },
        };
        package.AddFolder(runtime.PathOf("package/Plugins/Linux/x64"), "runtimes/linux-x64/native");
        package.AddFolder(runtime.PathOf("package/Plugins/Windows/x64"), "runtimes/win-x64/native");
        package.AddFolder(runtime.PathOf("package/Plugins/Windows/arm64"), "runtimes/win-arm64/native");
        package.AddFolder(runtime.PathOf("package/Plugins/macOS/arm64"), "runtimes/osx-arm64/native");
        return package;
    }

    private static NuGetPackage MakeGpu(string version) =>
        new(Gpu, version, "ONNX Runtime with its CUDA and TensorRT providers.")
        {
            Dependencies = new Dictionary<string, string> { [Managed] = version, [GpuLinux] = version },
        };

    private static NuGetPackage MakeGpuLinux(TemporaryFolder runtimeWithCuda, TemporaryFolder cuda, string version)
    {
        NuGetPackage package = new(GpuLinux, version, "The native libraries of ONNX Runtime for CUDA on Linux.")
        {
            Dependencies = new Dictionary<string, string> { [Managed] = version },
        };
        package.AddFolder(cuda.PathOf("package/Plugins/Linux/x64"), "runtimes/linux-x64/native");
        // The provider libraries are loaded by this one, from the folder in which it lies.
        string library = runtimeWithCuda.PathOf("libonnxruntime.so");
        File.Copy(runtimeWithCuda.PathOf(LinuxRuntimeInNode), library);
        package.AddFile(library, "runtimes/linux-x64/native");
        return package;
    }

    /// <summary>Compiles the official C# sources and returns the path of the assembly.</summary>
    private static string Compile(TemporaryFolder runtime, string version)
    {
        const string AssemblyName = "Microsoft.ML.OnnxRuntime";
        File.WriteAllText(
            runtime.PathOf("package/Managed.csproj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <AssemblyName>{AssemblyName}</AssemblyName>
                <Version>{version}</Version>
                <AllowUnsafeBlocks>true</AllowUnsafeBlocks>
                <EnableDefaultCompileItems>false</EnableDefaultCompileItems>
                <GenerateDocumentationFile>true</GenerateDocumentationFile>
                <TreatWarningsAsErrors>false</TreatWarningsAsErrors>
                <NuGetAudit>false</NuGetAudit>
                <Deterministic>true</Deterministic>
                <PathMap>$(MSBuildProjectDirectory)=/onnxruntime</PathMap>
                <DebugType>none</DebugType>
              </PropertyGroup>
              <ItemGroup>
                <Compile Include="Runtime/**/*.shared.cs" />
                <Using Include="System.Reflection" />
                <PackageReference Include="System.Numerics.Tensors" Version="{TensorsVersion}" />
              </ItemGroup>
            </Project>
            """
        );
        // Files of these names further up would otherwise take part.
        foreach (
            string name in new[] { "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props" }
        )
        {
            File.WriteAllText(runtime.PathOf($"package/{name}"), "<Project />");
        }
        NuGetSources.WriteConfigTo(runtime.PathOf("package"));

        Shell.Run(
            runtime.PathOf("package"),
            "dotnet",
            "build",
            "Managed.csproj",
            "--configuration=Release",
            "--output=built",
            "--nologo"
        );
        return runtime.PathOf($"package/built/{AssemblyName}.dll");
    }
}
